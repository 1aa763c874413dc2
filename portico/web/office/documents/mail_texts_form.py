"""A form with an email's subject and message in each language, which several people get."""

from collections.abc import Collection, Mapping
from typing import Any

from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from portico.domain.practices.mail_texts import MESSAGE_LENGTH, SUBJECT_LENGTH, MailText
from portico.plumbing.text.input_validation import LineField
from portico.web.office.base_form import TOO_LONG, OfficeForm, required_message, text_field


class MailTextsForm(OfficeForm):
    """Adds the fields `subject_<language>` and `message_<language>`. A text that was not posted is the given one."""

    def __init__(
        self, texts: Mapping[str, MailText], data: QueryDict | None = None, *, initial: dict[str, Any] | None = None
    ) -> None:  # Any: field values.
        self.own_texts = dict(texts)
        if data is not None:
            data = data.copy()
            for code, text in texts.items():
                data.setdefault(f"subject_{code}", text.subject)
                data.setdefault(f"message_{code}", text.message)
        shown = {f"subject_{code}": text.subject for code, text in texts.items()}
        shown |= {f"message_{code}": text.message for code, text in texts.items()}
        super().__init__(data, initial=shown | (initial or {}))
        for code in texts:
            subject = LineField(label=_("Subject"), max_length=SUBJECT_LENGTH, error_messages={"max_length": TOO_LONG})
            subject.required = False
            self.fields[f"subject_{code}"] = subject
            self.fields[f"message_{code}"] = text_field(_("Message"), longest=MESSAGE_LENGTH, rows=9)

    def require_texts(self, languages: Collection[str]) -> None:
        """Adds an error for each missing subject or message of a language that is used."""
        for code in languages:
            for name in (f"subject_{code}", f"message_{code}"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, required_message(self.fields[name]))

    def texts_for(self, languages: Collection[str]) -> dict[str, MailText]:
        """Returns the text as typed in each of the languages, and the given one in the others."""
        typed = {
            code: MailText(self.cleaned_data[f"subject_{code}"], self.cleaned_data[f"message_{code}"])
            for code in languages
        }
        return self.own_texts | typed

    def editors(self, languages: Collection[str]) -> list[tuple[str, BoundField, BoundField]]:
        """Returns each of the languages with the fields of its subject and message."""
        return [(code, self[f"subject_{code}"], self[f"message_{code}"]) for code in languages]
