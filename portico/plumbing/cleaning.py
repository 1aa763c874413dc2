"""Makes typed text fit to store, show and mail; and the key under which a mailbox is compared."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portico.plumbing import card_numbers

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
MOST_LOOKED_THROUGH = 100_000

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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


def mailbox_key(email: str) -> str:
    """What two spellings of one mailbox share, and no other mailbox has. Raises ValueError.

    The local part in NFC with ASCII letters in lower case, the domain as IDNA. Dots and plus-tags
    are kept. Signs that would turn into ASCII (Kelvin's K, a ligature in a domain) are malformed:
    they are how one address reaches for another's account.
    """
    local, at, domain = email.strip(" ").rpartition("@")
    if not at or len(email) > 320:
        raise ValueError("An address is a name, an @ and a domain.")
    local = unicodedata.normalize("NFC", _ascii_lower(_refuse_lookalikes(local)))
    if not _ATOM.fullmatch(local) or len(local.encode()) > 64 or not _is_printable(local):
        raise ValueError("The part before the @ is malformed.")
    key = f"{local}@{_domain_key(domain)}"
    if len(key.encode()) > 254:
        raise ValueError("The address is too long.")
    return key


def holds_card_number(text: str) -> bool:
    """Whether a card's number stands in it once it is cleaned; looked for as far as any field of ours is long."""
    return card_numbers.is_in(clean_text(text[:MOST_LOOKED_THROUGH]))


class CardlessField(forms.CharField):
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
        if self.is_phone and sum(sign.isdigit() for sign in text) <= card_numbers.MOST_OF_A_PHONE:
            return False
        return holds_card_number(text)


class LineField(CardlessField):
    """One line of typed text, cleaned."""

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        text = _storable(super().to_python(value))
        return clean_line(text) or (self.empty_value or "")


class TextField(CardlessField):
    """Typed text of several lines, cleaned."""

    widget = forms.Textarea

    def to_python(self, value: Any | None) -> str:  # Any: as above.
        text = _storable(super().to_python(value))
        return clean_text(text) or (self.empty_value or "")


class StaffAddressField(CardlessField, forms.EmailField):
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


def has_lookalikes(text: str) -> bool:
    """Whether it holds signs that would turn into ASCII, such as Kelvin's K."""
    return any(not sign.isascii() and unicodedata.normalize("NFC", sign).isascii() for sign in text)


def _storable(text: str | None) -> str:
    if text and is_unstorable(text):
        raise ValidationError(
            _("This text holds a sign that cannot be stored. Please type it again."), code="unstorable"
        )
    return text or ""


def _blank_if_unseen(text: str) -> str:
    """Nothing but joiners and spaces would be a name that nobody sees."""
    return text if any(unicodedata.category(sign)[0] not in "ZC" for sign in text) else ""


def _is_printable(text: str) -> bool:
    return all(unicodedata.category(sign)[0] not in "ZC" for sign in text)


def _ascii_lower(text: str) -> str:
    # Not str.lower(): it also turns U+212A into k and U+0130 into i and a dot.
    return text.translate({code: code + 32 for code in range(ord("A"), ord("Z") + 1)})


def _refuse_lookalikes(text: str) -> str:
    if has_lookalikes(text):
        raise ValueError("A sign that only looks like a letter.")
    return text


def _domain_key(domain: str) -> str:
    labels = [_label_key(label) for label in domain.split(".")]
    if len(labels) < 2 or labels[-1].isdecimal():
        raise ValueError("The domain is malformed.")
    return ".".join(labels)


def _label_key(label: str) -> str:
    """One part of a domain as DNS has it; what does not come back the same is refused (ß, ligatures)."""
    if label.isascii():
        key = label.lower()
    else:
        plain = unicodedata.normalize("NFC", _refuse_lookalikes(label)).lower()
        key = plain.encode("idna").decode("ascii")
        if key.encode("ascii").decode("idna") != plain:
            raise ValueError("The domain is malformed.")
    if not _LABEL.fullmatch(key):
        raise ValueError("The domain is malformed.")
    return key
