"""Names of uploaded files, made safe to show and to save under."""

import re
import unicodedata
from collections.abc import Collection

from portico.plumbing.models.files import FileKind
from portico.plumbing.security import card_numbers

MAX_LENGTH = 80
EXTENSIONS = {FileKind.PDF: "pdf", FileKind.JPEG: "jpg", FileKind.PNG: "png", FileKind.HEIC: "heic"}
_KNOWN_EXTENSION = re.compile(r"\.(?:pdf|jpe?g|jpe|png|hei[cf])\Z", re.IGNORECASE)
# Control, format (right-to-left marks among them) and undefined characters, surrogates, line separators.
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_UNSAFE = re.compile(r'[<>:"/\\|?*]')


def cleaned(name: str, kind: FileKind) -> str:
    """Returns the name without path, control and right-to-left characters, with the extension of its content.

    A name that is empty then, or contains a card number, becomes "file".
    """
    stem = _without_card_number(_KNOWN_EXTENSION.sub("", _safe(name)))
    return f"{stem}.{EXTENSIONS[kind]}"


def of_refused(name: str) -> str:
    """Returns the name of a file that was refused, cleaned in the same way; it keeps its own extension."""
    return _without_card_number(_safe(name))


def unused(name: str, used: Collection[str]) -> str:
    """Returns the name, numbered if it is in use: "card.jpg", "card (2).jpg"."""
    stem, _dot, extension = name.rpartition(".")
    number, candidate = 1, name
    while candidate in used:
        number += 1
        candidate = f"{stem} ({number}).{extension}"
    return candidate


def _safe(name: str) -> str:
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    kept = "".join(each for each in last if unicodedata.category(each) not in _DROPPED_CATEGORIES)
    return " ".join(_UNSAFE.sub("_", kept).split())


def _without_card_number(name: str) -> str:
    """Returns the name, shortened; "file" if it is empty or contains a card number."""
    shortened = name.strip(". ")[:MAX_LENGTH].rstrip(". ")
    return "file" if not shortened or card_numbers.contains_card_number(shortened) else shortened
