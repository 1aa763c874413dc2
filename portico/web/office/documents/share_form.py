"""The form of sharing documents: recipients and documents, then the email in each language of the recipients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portico.domain.clients.models import Client, Language
from portico.domain.documents.sharing import document_mails, shareable
from portico.domain.documents.sharing.shareable import AskedDocument, ShareableDocument
from portico.domain.practices.mail_texts import MESSAGE_LENGTH, SUBJECT_LENGTH, MailText
from portico.plumbing.text.input_validation import LineField
from portico.web.office.base_form import TOO_LONG, OfficeForm, required_message, text_field
from portico.web.office.documents.recipients import PossibleRecipient, recipients_of

CHANGED = gettext_lazy("The list has changed. Check it again.")


@dataclass(frozen=True)
class Letter:
    """An email that several people get in the same words; `text` is where it starts."""

    key: str
    language: str
    text: MailText
    readers: list[PossibleRecipient]

    @property
    def subject(self) -> str:
        """The name of the field of its subject."""
        return f"subject_{self.key}"

    @property
    def message(self) -> str:
        """The name of the field of its message."""
        return f"message_{self.key}"


def _letters(people: Sequence[PossibleRecipient], own_texts: Mapping[str, MailText]) -> list[Letter]:
    """Returns one letter for each language and text with which the emails to these people start."""
    letters = dict[tuple[str, MailText], Letter]()
    for person in people:
        if not person.is_mailed:
            continue
        language, text = person.access.holder_language, document_mails.text_for(person.access, own_texts)
        key = language if text == own_texts[language] else f"{language}_any"
        letters.setdefault((language, text), Letter(key, language, text, [])).readers.append(person)
    in_order = Language.values
    return sorted(letters.values(), key=lambda each: (in_order.index(each.language), each.key))


class ShareForm(OfficeForm):
    """All three steps. A step posts the fields of the others as hidden ones, so that nothing is lost by going back."""

    recipients = forms.MultipleChoiceField(
        label=gettext_lazy("Share with"), required=False, error_messages={"invalid_choice": CHANGED}
    )
    documents = forms.MultipleChoiceField(
        label=gettext_lazy("Documents"), required=False, error_messages={"invalid_choice": CHANGED}
    )

    def __init__(self, client: Client, data: QueryDict | None = None) -> None:
        self.client = client
        self.people = recipients_of(client)
        self.offered = shareable.list_for(client.practice, None)
        self.asked = shareable.asked_of_client(client)
        self.own_texts = document_mails.texts_of(client.practice)
        self.letters = _letters(self.people, self.own_texts)
        if data is not None:
            data = data.copy()
            for letter in self.letters:
                data.setdefault(letter.subject, letter.text.subject)
                data.setdefault(letter.message, letter.text.message)
        super().__init__(data, initial=self._initial())
        open_to = [(each.value, each.name) for each in self.people if not each.obstacle]
        cast(forms.MultipleChoiceField, self.fields["recipients"]).choices = open_to
        titles = [(each.ref, each.title) for each in self.offered]
        cast(forms.MultipleChoiceField, self.fields["documents"]).choices = titles
        for letter in self.letters:
            subject = LineField(label=_("Subject"), max_length=SUBJECT_LENGTH, error_messages={"max_length": TOO_LONG})
            subject.required = False
            self.fields[letter.subject] = subject
            self.fields[letter.message] = text_field(_("Message"), longest=MESSAGE_LENGTH, rows=9)

    def _initial(self) -> dict[str, list[str]]:
        able = [each.value for each in self.people if each.sees_documents]
        return {"recipients": able[:1], "documents": []}

    def require_choice(self) -> None:
        """Adds an error if no person or document is chosen, or a document that all chosen people have to complete."""
        if "recipients" not in self.errors and not self.chosen_people:
            self.add_error("recipients", _("Choose who gets the documents."))
        chosen = self.cleaned_data.get("documents", [])
        if "documents" not in self.errors and not chosen:
            self.add_error("documents", _("Choose at least one document."))
        names = get_text_list([each.name for each in self.checked_people], _("and"))
        for document in self.offered:
            if document.ref in chosen and self.is_open_for_all(document.ref):
                text = ngettext(
                    "%(names)s still has to complete “%(title)s”. It is no longer checked.",
                    "%(names)s still have to complete “%(title)s”. It is no longer checked.",
                    len(self.checked_people),
                )
                self.add_error("documents", text % {"title": document.title, "names": names})

    @property
    def checked_people(self) -> list[PossibleRecipient]:
        """The people whose box is checked on the page."""
        return self._people(self["recipients"].value() or [])

    def is_open_for_all(self, ref: str) -> bool:
        """Returns True if each of the people who are checked has still to complete the document."""
        people = self.checked_people
        return bool(people) and all(self._is_open(ref, each) for each in people)

    def documents_for(self, person: PossibleRecipient) -> list[str]:
        """Returns the refs of the chosen documents without those that the person has still to complete."""
        return [ref for ref in self.cleaned_data["documents"] if not self._is_open(ref, person)]

    def require_texts(self) -> None:
        """Adds an error for each missing subject or message of an email that is sent."""
        for letter in self.sent_letters:
            for name in (letter.subject, letter.message):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, required_message(self.fields[name]))

    @property
    def chosen_people(self) -> list[PossibleRecipient]:
        """The recipients, once the form is valid."""
        return self._people(self.cleaned_data.get("recipients", []))

    @property
    def sent_letters(self) -> list[Letter]:
        """The texts of the emails that are sent, each with the recipients who get it."""
        chosen = [each for each in self.chosen_people if self.documents_for(each)]
        letters = [replace(each, readers=[one for one in each.readers if one in chosen]) for each in self.letters]
        return [each for each in letters if each.readers]

    def text_for(self, person: PossibleRecipient) -> MailText:
        """Returns the text of the person's email as it was typed, also if no email is sent."""
        for letter in self.sent_letters:
            if person in letter.readers:
                return MailText(self.cleaned_data[letter.subject], self.cleaned_data[letter.message])
        return document_mails.text_for(person.access, self.own_texts)

    def asked_for(self, document: ShareableDocument) -> list[tuple[str, AskedDocument]]:
        """Returns the newest request of each recipient for the document, with their name."""
        found = list[tuple[str, AskedDocument]]()
        for person in self.people:
            requests = [each for each in self.asked if each.access == person.access.pk and each.ref == document.ref]
            if requests:
                found.append((person.name, next((each for each in requests if each.is_open), requests[0])))
        return found

    def hidden(self, *shown: str) -> list[tuple[str, Any]]:  # Any: field values.
        """Returns the posted values of the fields that the step does not show."""
        if not isinstance(self.data, QueryDict):
            return []
        names = [name for name in self.fields if name not in shown]
        return [(name, value) for name in names for value in self.data.getlist(name)]

    def _people(self, values: Sequence[str]) -> list[PossibleRecipient]:
        return [each for each in self.people if each.value in values]

    def _is_open(self, ref: str, person: PossibleRecipient) -> bool:
        """Returns True if the person has still to complete the document, and it was not this form that shared it."""
        form_key = self.data.get("form_key")
        asked = [each for each in self.asked if each.access == person.access.pk and each.form_key != form_key]
        return any(each.ref == ref and each.is_open for each in asked)
