"""The version of a document that a page showed: its form sends it back, since staff may update what is open."""

from collections.abc import Mapping

from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy

from portico.domain.clients.models import Language
from portico.domain.documents.completion import drafts
from portico.domain.documents.forms import form_pages
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import DocumentRequest, TemplateKind, TemplateVersion
from portico.web.portal.documents import posted_answers, questions
from portico.web.portal.flash_messages import Notice

FIELD = "version"
CHECK_ANSWERS = gettext_lazy("This document was updated. Check your answers.")
READ_AGAIN = gettext_lazy("This document was updated since you opened it. Please read it again.")


def posted(fields: Mapping[str, str], found: DocumentRequest) -> TemplateVersion | None:
    """Returns the version whose page was posted; None if it is unknown: then the page is shown again."""
    ref = fields.get(FIELD, "")
    if ref == found.version.ref or (not ref and found.version_changed_at is None):
        return found.version
    return TemplateVersion.objects.filter(template=found.version.template_id, ref=ref).first()


def is_current(fields: Mapping[str, str], found: DocumentRequest) -> bool:
    return posted(fields, found) == found.version


def read_earlier(
    found: DocumentRequest, current: Questionnaire, fields: QueryDict, *, page: int
) -> dict[str, list[Answer]]:
    """Returns the readable answers of an earlier version’s page to questions that the current one has too.

    The names of fields have the numbers of questions, which differ between versions.
    """
    version = posted(fields, found)
    if version is None:
        return {}
    earlier = drafts.questionnaire_of(version, get_language() or Language.ENGLISH.value)
    shown = next((each for each in form_pages.pages_of(earlier) if each.number == page), None)
    numbers = questions.numbers_of(earlier)
    asked = [(item, numbers[item.link_id]) for item in shown.questions] if shown is not None else []
    read = posted_answers.read(asked, fields, country=found.practice.country)
    still_asked = current.by_link_id.keys() - read.errors.keys()
    return {link_id: given for link_id, given in read.answers.items() if link_id in still_asked}


def updated(found: DocumentRequest) -> Notice:
    is_form = found.version.template.kind == TemplateKind.FORM
    return Notice("info", CHECK_ANSWERS if is_form else READ_AGAIN)


def notices_of(found: DocumentRequest) -> list[Notice]:
    """Returns the notice for a client who opened an earlier version, until they save answers to this one."""
    changed_at = found.version_changed_at
    if changed_at is None or found.opened_at is None or found.opened_at > changed_at:
        return []
    draft = getattr(found, "draft", None)
    return [] if draft is not None and draft.saved_at > changed_at else [updated(found)]
