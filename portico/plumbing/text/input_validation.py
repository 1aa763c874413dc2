"""Makes typed text fit to store, show and mail."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portico.plumbing.security import card_numbers
from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.mailboxes import has_lookalikes, mailbox_key

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Line breaks of other worlds (NEL, line and paragraph separator), which mail headers must not hold.
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, direction marks, and signs that show nothing. The joiners U+200C and U+200D
# stay: Persian, Hindi and family emoji are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Far beyond what any field takes.
MAX_CHECKED_CHARACTERS = 100_000

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_unstorable(text: str) -> bool:
    """Whether a database or an answer would choke on it: NUL or half of a surrogate pair."""
    return _UNSTORABLE.search(text) is not None


def clean_text(text: str) -> str:
    """Without control characters and direction marks; lines end in \\n; blank ends are cut."""
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    lines = [re.sub(r"[^\S\n]+$", "", line) for line in text.replace("\t", " ").split("\n")]
    return _blank_if_unseen(unicodedata.normalize("NFC", "\n".join(lines).strip()))


def clean_line(text: str) -> str:
    """The same on one line, with single spaces."""
    return _blank_if_unseen(" ".join(clean_text(text).split()))


def holds_card_number(text: str) -> bool:
    """Whether a card's number stands in it once it is cleaned; looked for as far as any field of ours is long."""
    return card_numbers.contains_card_number(clean_text(text[:MAX_CHECKED_CHARACTERS]))


class NoCardNumberField(forms.CharField):
    """Typed text that holds no card number; one that does comes back empty, with the sentence why.

    A telephone's number may look like a short one: its own form says whether it is none.
    """

    def __init__(self, *args: Any, is_phone: bool = False, **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.is_phone = is_phone
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any | None) -> str:  # Any: Django hands over whatever was posted.
        text = super().to_python(value) or ""
        if self._is_refused(text):
            raise ValidationError(
                _("This looks like a card number. Leave it out; it was not saved."), code="card_number"
            )
        return text

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above; what the page shows again.
        typed = super().bound_data(data, initial)
        return "" if isinstance(typed, str) and self._is_refused(typed) else typed

    def _is_refused(self, text: str) -> bool:
        if self.is_phone and sum(sign.isdigit() for sign in text) <= card_numbers.MAX_PHONE_DIGITS:
            return False
        return holds_card_number(text)


class LineField(NoCardNumberField):
    """One line of typed text, cleaned."""

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        text = _storable(super().to_python(value))
        return clean_line(text) or (self.empty_value or "")


class CodeField(LineField):
    """A PIN or code, on one line, with the digits and letters of every keyboard as ASCII."""

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        return ascii_forms(super().to_python(value))


class TextField(NoCardNumberField):
    """Typed text of several lines, cleaned."""

    widget = forms.Textarea

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        text = _storable(super().to_python(value))
        return clean_text(text) or (self.empty_value or "")


class StaffAddressField(NoCardNumberField, forms.EmailField):
    """The address with which a staff member signs in."""


class AddressField(LineField):
    """One email address as a stranger types it; every malformed one gets the same sentence."""

    widget = forms.EmailInput

    def __init__(self, *, malformed: "str | _StrPromise", **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.malformed = malformed
        super().__init__(error_messages={"required": malformed}, **kwargs)

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        # Looked at as typed: cleaned, Kelvin's K would be a letter like any other.
        if value and (has_lookalikes(str(value)) or holds_card_number(str(value))):
            raise ValidationError(self.malformed, code="malformed")
        return super().to_python(value)

    def validate(self, value: str) -> None:
        super().validate(value)
        try:
            mailbox_key(value)
        except ValueError:
            raise ValidationError(self.malformed, code="malformed") from None


def _storable(text: str | None) -> str:
    if text and is_unstorable(text):
        raise ValidationError(
            _("This text holds a sign that cannot be stored. Please type it again."), code="unstorable"
        )
    return text or ""


def _blank_if_unseen(text: str) -> str:
    """Nothing but joiners and spaces would be a name that nobody sees."""
    return text if any(unicodedata.category(sign)[0] not in "ZC" for sign in text) else ""
