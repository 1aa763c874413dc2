"""Cleaning and validation of typed text, and the form fields that do it."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from portico.plumbing.security import card_numbers
from portico.plumbing.text.folding import ascii_forms
from portico.plumbing.text.mailboxes import contains_lookalikes, mailbox_key

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# Other line breaks (NEL, line and paragraph separators), which mail headers must not contain.
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, direction marks and other invisible characters. The joiners U+200C and U+200D stay: Persian,
# Hindi and family emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Longer than any field accepts.
MAX_CHECKED_CHARACTERS = 100_000

NOT_ONE_ADDRESS = _("Enter one email address, such as name@example.com.")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_unstorable(text: str) -> bool:
    """Returns True for text that neither a database nor a response can hold: NUL or a lone surrogate."""
    return _UNSTORABLE.search(text) is not None


def clean_text(text: str) -> str:
    """Removes control characters and direction marks; lines end in \\n, without trailing spaces."""
    text = _INVISIBLE.sub("", _BREAKS.sub("\n", text))
    lines = [re.sub(r"[^\S\n]+$", "", line) for line in text.replace("\t", " ").split("\n")]
    return _empty_if_invisible(unicodedata.normalize("NFC", "\n".join(lines).strip()))


def clean_line(text: str) -> str:
    """Cleans text as `clean_text` does, on one line with single spaces."""
    return _empty_if_invisible(" ".join(clean_text(text).split()))


def holds_card_number(text: str) -> bool:
    """Returns True if the cleaned text has a card number within its first MAX_CHECKED_CHARACTERS."""
    return card_numbers.contains_card_number(clean_text(text[:MAX_CHECKED_CHARACTERS]))


class NoCardNumberField(forms.CharField):
    """Typed text without card numbers; text with one is rejected, and the field comes back empty.

    With `is_phone`, text of at most 15 digits is accepted: a phone number may look like a short card number.
    """

    def __init__(self, *args: Any, is_phone: bool = False, **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.is_phone = is_phone
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any | None) -> str:  # Any: whatever was posted.
        text = super().to_python(value) or ""
        if self._is_refused(text):
            raise ValidationError(_("This looks like a card number. Remove it. Nothing was saved."), code="card_number")
        return text

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above; the value that the page shows again.
        typed = super().bound_data(data, initial)
        return "" if isinstance(typed, str) and self._is_refused(typed) else typed

    def _is_refused(self, text: str) -> bool:
        if self.is_phone and sum(character.isdigit() for character in text) <= card_numbers.MAX_PHONE_DIGITS:
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

    def bound_data(self, data: Any, initial: Any) -> Any:  # Any: as above.
        typed = super().bound_data(data, initial)
        # A browser ends the lines of a textarea with \r\n; a stored text, with which it is compared, has \n.
        return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


class AddressWidget(forms.TextInput):
    """The input of one email address. Several posted values are read as one text, which is no address."""

    def __init__(self, attrs: dict[str, str] | None = None) -> None:
        super().__init__({"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"} | (attrs or {}))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # Any: Django's own signature.
        values = data.getlist(name) if isinstance(data, MultiValueDict) else []
        return ", ".join(values) if len(values) > 1 else super().value_from_datadict(data, files, name)


class StaffAddressField(NoCardNumberField, forms.EmailField):
    """The address with which a staff member signs in."""


class AddressField(LineField):
    """One email address typed by a visitor; every malformed address gets the same message."""

    widget = AddressWidget({"type": "email", "autocomplete": "email"})

    def __init__(self, *, malformed: "str | _StrPromise", **kwargs: Any) -> None:  # Any: Django's own arguments.
        self.malformed = malformed
        super().__init__(error_messages={"required": malformed}, **kwargs)

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        # Checked before cleaning, which turns the Kelvin sign into the letter K.
        if value and (contains_lookalikes(str(value)) or holds_card_number(str(value))):
            raise ValidationError(self.malformed, code="malformed")
        return super().to_python(value)

    def validate(self, value: str) -> None:
        super().validate(value)
        if not value:
            return
        try:
            mailbox_key(value)
        except ValueError:
            raise ValidationError(self.malformed, code="malformed") from None


def _storable(text: str | None) -> str:
    if text and is_unstorable(text):
        raise ValidationError(
            _("This text contains a character that can’t be saved. Please enter it again."), code="unstorable"
        )
    return text or ""


def _empty_if_invisible(text: str) -> str:
    """Returns an empty text for one of only joiners and spaces, which would be an invisible name."""
    return text if any(unicodedata.category(character)[0] not in "ZC" for character in text) else ""
