"""The form of `Share with many`: documents and kinds of recipients, then the email in each language."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.clients.models import Language
from portico.domain.documents.models import Recipients
from portico.domain.documents.sharing import document_mails, shareable
from portico.domain.practices.mail_texts import MESSAGE_LENGTH, SUBJECT_LENGTH, MailText
from portico.domain.practices.models import Practice
from portico.plumbing.text.input_validation import LineField
from portico.web.office.base_form import TOO_LONG, OfficeForm, required_message, text_field
from portico.web.office.documents.share_form import CHANGED


class BulkShareForm(OfficeForm):
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
    asks_again = forms.BooleanField(label=gettext_lazy("Also to people who have completed them before"), required=False)

    def __init__(self, practice: Practice, data: QueryDict | None = None, *, document: str = "") -> None:
        """`document` is the ref of one that is checked at first. A text that was not posted is the practice's own."""
        self.offered = shareable.list_for(practice, None)
        self.own_texts = document_mails.texts_of(practice)
        if data is not None:
            data = data.copy()
            for code, text in self.own_texts.items():
                data.setdefault(f"subject_{code}", text.subject)
                data.setdefault(f"message_{code}", text.message)
        initial = {"recipients": Recipients.CLIENT.value, "documents": [document] if document else []}
        super().__init__(data, initial=initial)
        titles = [(each.ref, each.title) for each in self.offered]
        cast(forms.MultipleChoiceField, self.fields["documents"]).choices = titles
        for code in Language.values:
            subject = LineField(label=_("Subject"), max_length=SUBJECT_LENGTH, error_messages={"max_length": TOO_LONG})
            subject.required = False
            self.fields[f"subject_{code}"] = subject
            self.fields[f"message_{code}"] = text_field(_("Message"), longest=MESSAGE_LENGTH, rows=9)

    @property
    def chosen_recipients(self) -> Recipients:
        """The kind of recipients, once the form is valid."""
        return Recipients(cast(str, self.cleaned_data["recipients"]))

    def require_texts(self, languages: Collection[str]) -> None:
        """Adds an error for each missing subject or message of a language that is used."""
        for code in languages:
            for name in (f"subject_{code}", f"message_{code}"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, required_message(self.fields[name]))

    def texts_for(self, languages: Collection[str]) -> dict[str, MailText]:
        """Returns the text as typed in each of the languages, and the practice's own in the others."""
        typed = {
            code: MailText(self.cleaned_data[f"subject_{code}"], self.cleaned_data[f"message_{code}"])
            for code in languages
        }
        return self.own_texts | typed

    def editors(self, languages: Collection[str]) -> list[tuple[str, BoundField, BoundField]]:
        """Returns each of the languages with the fields of its subject and message."""
        return [(code, self[f"subject_{code}"], self[f"message_{code}"]) for code in languages]

    def hidden(self, *shown: str) -> list[tuple[str, Any]]:  # Any: field values.
        """Returns the posted values of the fields that the step does not show."""
        if not isinstance(self.data, QueryDict):
            return []
        names = [name for name in self.fields if name not in shown]
        return [(name, value) for name in names for value in self.data.getlist(name)]
