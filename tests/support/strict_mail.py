"""Parses a mail's header strictly by RFC 5322, RFC 2047 and RFC 6532, without the obsolete forms.

Independent of the code with which Portico writes and checks its mails.
"""

import base64
import quopri
import re
from dataclasses import dataclass

ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]"
TOKEN = re.compile(
    rf'(?P<blank>[ \t]+)|(?P<quoted>"(?:[^"\\\r\n]|\\.)*")|(?P<dot_atom>{ATEXT}+(?:\.{ATEXT}+)*)|(?P<special>[<>@,])'
)
ENCODED_WORD = re.compile(r"=\?(?P<charset>[^?\s]+)\?(?P<encoding>[bBqQ])\?(?P<text>[!-<=>@-~]*)\?=")


@dataclass(frozen=True)
class Read:
    """One mailbox: the displayed name and the address."""

    name: str
    address: str


class Header:
    """The header of a message. Raises AssertionError if a rule is broken."""

    def __init__(self, raw: bytes) -> None:
        head, end, self.body = raw.partition(b"\r\n\r\n")
        assert end, "The header has no end."
        self.lines = head.decode().split("\r\n")
        self.fields: dict[str, str] = {}
        last = ""
        for line in self.lines:
            assert line.strip(" \t"), "A line of the header is blank."
            assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), "A line of the header holds a control character."
            assert len(line.encode()) <= 998, "A line of the header is too long."
            assert "=?" not in line or len(line) <= 76, "A line with an encoded word is too long."
            if line[0] in " \t":
                assert last, "The header begins with a folded line."
                self.fields[last] += line
                continue
            last, colon, value = line.partition(":")
            assert colon, f"{line!r} is no field."
            assert re.fullmatch(r"[!-9;-~]+", last), f"{last!r} is no name of a field."
            assert last.lower() not in map(str.lower, self.fields), f"{last} is there twice."
            self.fields[last] = value

    def text(self, name: str) -> str:
        """Returns the displayed text of an unstructured field."""
        return decoded(self.fields[name].removeprefix(" "))

    def mailbox(self, name: str) -> Read:
        """Returns the only mailbox of a field."""
        words: list[tuple[str, str]] = []
        value = self.fields[name]
        at = 0
        while at < len(value):
            found = TOKEN.match(value, at)
            assert found, f"{value[at:]!r} is no token of an address."
            words.append((found.lastgroup or "", found[0]))
            at = found.end()
        whole = [word for word in words if word[0] != "blank"]
        kinds = [kind if kind != "special" else word for kind, word in whole]
        assert "," not in kinds, f"{name} has several mailboxes: {value!r}"
        if "<" not in kinds:
            assert kinds == ["dot_atom", "@", "dot_atom"], f"{value!r} is no mailbox."
            return Read("", value.strip())
        opening = kinds.index("<")
        assert kinds[opening:] == ["<", "dot_atom", "@", "dot_atom", ">"], f"{value!r} is no mailbox."
        assert set(kinds[:opening]) <= {"quoted", "dot_atom"}, f"{value!r} has no phrase before the address."
        assert all("." not in word for kind, word in whole[:opening] if kind == "dot_atom"), "A phrase holds a dot."
        return Read(phrase(whole[:opening]), "".join(word for _kind, word in whole[opening + 1 : -1]))


def phrase(words: list[tuple[str, str]]) -> str:
    """Returns the displayed text; the space between encoded words is dropped (RFC 2047, section 6.2)."""
    shown, last_was_encoded = "", False
    for kind, word in words:
        is_encoded = kind == "dot_atom" and ENCODED_WORD.fullmatch(word) is not None
        if shown and not (is_encoded and last_was_encoded):
            shown += " "
        if kind == "quoted":
            shown += re.sub(r"\\(.)", r"\1", word[1:-1])
        else:
            shown += _decode(word) if is_encoded else word
        last_was_encoded = is_encoded
    return shown


def decoded(value: str) -> str:
    """Returns the text with its encoded words decoded once."""
    words = re.split(r"([ \t]+)", value)
    shown, last_was_encoded = "", False
    for at in range(0, len(words), 2):
        word = words[at]
        is_encoded = ENCODED_WORD.fullmatch(word) is not None
        if at and not (is_encoded and last_was_encoded):
            shown += words[at - 1]
        shown += _decode(word) if is_encoded else word
        last_was_encoded = is_encoded
    return shown


def _decode(word: str) -> str:
    found = ENCODED_WORD.fullmatch(word)
    assert found
    assert len(word) <= 75, "An encoded word is too long."
    text = found["text"]
    raw = base64.b64decode(text, validate=True) if found["encoding"] in "bB" else quopri.decodestring(text, header=True)
    return raw.decode(found["charset"])
