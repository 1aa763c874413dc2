"""Header fields of a mail as they are sent (RFC 5322, RFC 2047).

Folded and encoded here, not by Python's email package, whose folding has turned one mailbox into two, put blank lines
into a header, and decoded encoded words that a user had typed.
"""

import base64
import re
from collections.abc import Iterable

# RFC 2047, section 2: the longest line that holds an encoded word, and the longest encoded word.
LINE_LENGTH = 76
ENCODED_WORD_LENGTH = 75
# RFC 5322, section 2.1.1: no line may be longer.
MAX_LINE_LENGTH = 998

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z-]*")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_PRINTABLE = re.compile("[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# Bytes that need no encoding in an encoded word, also in a display name (RFC 2047, section 5, rule 3).
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def plain_field(name: str, value: str) -> bytes:
    """Returns a field whose value is ours and fits on one line, such as an id or a date. Raises ValueError if not."""
    if not _PRINTABLE.fullmatch(value) or len(name) + len(value) + 2 > MAX_LINE_LENGTH:
        raise ValueError(f"{name} must be one line of printable ASCII characters.")
    return _field(name, [value])


def text_field(name: str, value: str) -> bytes:
    """Returns a field of free text, such as the subject, which every mail program shows exactly as given.

    Raises ValueError for control characters.
    """
    words = value.split(" ")
    if _needs_no_encoding(value) and _fit(name, words):
        return _field(name, words)
    return _field(name, _encoded_words(value, _first_line_room(name)))


def mailbox_field(name: str, display_name: str, address: str) -> bytes:
    """Returns a field with exactly one mailbox. Raises ValueError for control characters, also in the address.

    The address is written unchanged: `mailboxes.header_address` checks that a header can carry it.
    """
    if _CONTROL.search(address):
        raise ValueError("An address may not contain control characters.")
    if not display_name:
        return _field(name, [address])
    return _field(name, [*_phrase(name, display_name), f"<{address}>"])


def _phrase(name: str, display_name: str) -> list[str]:
    """Returns the words of a display name: plain if possible, else quoted, else encoded."""
    if _needs_no_encoding(display_name):
        words = display_name
        if not _ATOMS.fullmatch(display_name):
            words = '"' + re.sub(r'(["\\])', r"\\\1", display_name) + '"'
        pieces = words.split(" ")
        if _fit(name, pieces):
            return pieces
    return _encoded_words(display_name, _first_line_room(name))


def _needs_no_encoding(value: str) -> bool:
    """Returns True if the value survives unencoded: single spaces survive folding, "=?" would be decoded."""
    return bool(_PRINTABLE.fullmatch(value)) and "=?" not in value and value == " ".join(value.split())


def _fit(name: str, words: list[str]) -> bool:
    return len(words[0]) <= _first_line_room(name) and all(len(word) < LINE_LENGTH for word in words)


def _first_line_room(name: str) -> int:
    """Returns the length left for the first word, on the line that begins with the field's name."""
    return LINE_LENGTH - len(name) - len(": ")


def _field(name: str, words: Iterable[str]) -> bytes:
    """Returns the words, separated by one space, on as many lines as needed; the first one follows the name."""
    if not _FIELD_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header field.")
    first, *others = words
    lines, line = [], f"{name}: {first}"
    for word in others:
        if len(line) + 1 + len(word) > LINE_LENGTH:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "".join(f"{each}\r\n" for each in (*lines, line)).encode()


def _encoded_words(value: str, room: int) -> list[str]:
    """Returns the text as encoded words of whole characters, the first no longer than `room`."""
    if _CONTROL.search(value):
        raise ValueError("A header may not contain control characters.")
    encode = min(_q_encoded, _b_encoded, key=lambda each: len(each(value)))
    words, current, max_length = [], "", room
    for character in value:
        if current and len(encode(current + character)) > max_length:
            words.append(encode(current))
            current, max_length = "", ENCODED_WORD_LENGTH
        current += character
    return [*words, encode(current)]


def _q_encoded(value: str) -> str:
    return "=?utf-8?q?" + "".join(_q_character(byte) for byte in value.encode()) + "?="


def _q_character(byte: int) -> str:
    if byte == ord(" "):
        return "_"
    return chr(byte) if byte in _Q_SAFE else f"={byte:02X}"


def _b_encoded(value: str) -> str:
    return "=?utf-8?b?" + base64.b64encode(value.encode()).decode("ascii") + "?="
