"""The form of `Share with many`: documents and kinds of recipients, then the email in each language."""

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from portico.domain.documents.models import Recipients
from portico.domain.documents.sharing import document_mails, shareable
from portico.domain.practices.models import Practice
from portico.web.office.documents.mail_texts_form import MailTextsForm
from portico.web.office.documents.share_form import CHANGED


class BulkShareForm(MailTextsForm):
    """All steps. A step posts the fields of the others as hidden ones, so that nothing is lost by going back."""

    recipients = forms.ChoiceField(
        label=gettext_lazy("Share with"),
        choices=Recipients.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": CHANGED, "required": gettext_lazy("Choose who gets the documents.")},
    )
    documents = forms.MultipleChoiceField(
        label=gettext_lazy("Documents"),
        error_messages={"invalid_choice": CHANGED, "required": gettext_lazy("Choose at least one document.")},
    )
    asks_again = forms.BooleanField(label=gettext_lazy("Also to people who already completed them"), required=False)

    def __init__(self, practice: Practice, data: QueryDict | None = None, *, document: str = "") -> None:
        """`document` is the ref of one that is checked at first."""
        self.offered = shareable.list_for(practice, None)
        initial = {"recipients": Recipients.CLIENT.value, "documents": [document] if document else []}
        super().__init__(document_mails.texts_of(practice), data, initial=initial)
        titles = [(each.ref, each.title) for each in self.offered]
        cast(forms.MultipleChoiceField, self.fields["documents"]).choices = titles

    @property
    def chosen_recipients(self) -> Recipients:
        """The kind of recipients, once the form is valid."""
        return Recipients(cast(str, self.cleaned_data["recipients"]))

    def hidden(self, *shown: str) -> list[tuple[str, Any]]:  # Any: field values.
        """Returns the posted values of the fields that the step does not show."""
        if not isinstance(self.data, QueryDict):
            return []
        names = [name for name in self.fields if name not in shown]
        return [(name, value) for name in names for value in self.data.getlist(name)]
