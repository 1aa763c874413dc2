"""Words of the pages about shareable documents."""

from django.utils.translation import gettext_lazy as _

from portico.domain.documents.forms.questionnaire import ItemType
from portico.domain.documents.models import TemplateKind

KIND_HINTS = {
    TemplateKind.FORM: _("Questions that the client answers."),
    TemplateKind.CONSENT: _("A text that the client reads and signs."),
    TemplateKind.FILE: _("A PDF or picture of yours that the client reads."),
    TemplateKind.UPLOAD: _("The client sends you a picture or a PDF, such as an insurance card."),
}
ITEM_TYPES = {
    ItemType.CHOICE: _("Choose from a list"),
    ItemType.OPEN_CHOICE: _("Choose from a list, or enter something else"),
    ItemType.BOOLEAN: _("Yes or no"),
    ItemType.STRING: _("Short answer"),
    ItemType.TEXT: _("Long answer"),
    ItemType.DATE: _("Date"),
    ItemType.INTEGER: _("Whole number"),
    ItemType.DECIMAL: _("Decimal number"),
    ItemType.TIME: _("Time"),
    ItemType.DATE_TIME: _("Date and time"),
    ItemType.DISPLAY: _("Text only, no answer"),
    ItemType.GROUP: _("Page with questions"),
}
