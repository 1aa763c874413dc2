"""Header fields of a mail as they go over the wire (RFC 5322, RFC 2047).

Folded and encoded here, not by Python's email package, whose folding has turned one mailbox into two, put blank lines
into a header, and decoded encoded words that somebody had typed.
"""

import base64
import re
from collections.abc import Iterable

# RFC 2047, section 2: the longest line that holds an encoded word, and the longest encoded word.
LINE_LENGTH = 76
ENCODED_WORD_LENGTH = 75
# RFC 5322, section 2.1.1: no line may be longer.
MOST_OF_A_LINE = 998

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z-]*")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_PRINTABLE = re.compile("[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# What may stand for itself in an encoded word, also in the name of a mailbox (RFC 2047, section 5, rule 3).
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def plain(name: str, value: str) -> bytes:
    """A field whose value is ours and fits on its line, such as an id or a date. Raises ValueError for any other."""
    if not _PRINTABLE.fullmatch(value) or len(name) + len(value) + 2 > MOST_OF_A_LINE:
        raise ValueError(f"{name} must be one line of printable ASCII characters.")
    return _field(name, [value])


def text(name: str, value: str) -> bytes:
    """A field of free text, such as the subject, which every reader shows exactly as it is given here.

    Raises ValueError for control characters.
    """
    words = value.split(" ")
    if _may_stand(value) and _fit(name, words):
        return _field(name, words)
    return _field(name, _encoded_words(value, _room(name)))


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """A field with exactly one mailbox. Raises ValueError for control characters, also in the address.

    The address is taken as it is: `mailboxes` says which ones a header can carry.
    """
    if _CONTROL.search(address):
        raise ValueError("An address holds no control characters.")
    if not display_name:
        return _field(name, [address])
    return _field(name, [*_phrase(name, display_name), f"<{address}>"])


def _phrase(name: str, display_name: str) -> list[str]:
    """The words of a display name: plain ones, else in quotes, else encoded."""
    if _may_stand(display_name):
        words = display_name
        if not _ATOMS.fullmatch(display_name):
            words = '"' + re.sub(r'(["\\])', r"\\\1", display_name) + '"'
        pieces = words.split(" ")
        if _fit(name, pieces):
            return pieces
    return _encoded_words(display_name, _room(name))


def _may_stand(value: str) -> bool:
    """Whether a reader gets it back unencoded: single blanks survive folding, "=?" would be taken for encoded."""
    return bool(_PRINTABLE.fullmatch(value)) and "=?" not in value and value == " ".join(value.split())


def _fit(name: str, words: list[str]) -> bool:
    return len(words[0]) <= _room(name) and all(len(word) < LINE_LENGTH for word in words)


def _room(name: str) -> int:
    """What is left for the first word on the line that begins with the field's name."""
    return LINE_LENGTH - len(name) - len(": ")


def _field(name: str, words: Iterable[str]) -> bytes:
    """The words with one blank between them, on as many lines as they need; the first stands beside the name."""
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
    """The text in encoded words of whole characters, the first no longer than `room`."""
    if _CONTROL.search(value):
        raise ValueError("A header holds no control characters.")
    encode = min(_q, _b, key=lambda each: len(each(value)))
    words, taken, most = [], "", room
    for character in value:
        if taken and len(encode(taken + character)) > most:
            words.append(encode(taken))
            taken, most = "", ENCODED_WORD_LENGTH
        taken += character
    return [*words, encode(taken)]


def _q(value: str) -> str:
    return "=?utf-8?q?" + "".join(_q_of(byte) for byte in value.encode()) + "?="


def _q_of(byte: int) -> str:
    if byte == ord(" "):
        return "_"
    return chr(byte) if byte in _Q_SAFE else f"={byte:02X}"


def _b(value: str) -> str:
    return "=?utf-8?b?" + base64.b64encode(value.encode()).decode("ascii") + "?="
