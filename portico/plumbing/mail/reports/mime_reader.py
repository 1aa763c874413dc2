"""Reads MIME messages that strangers sent, within limits that bound the work whatever they contain.

Python's own parser compares each line with the boundaries of all open parts, and recurses into nested ones: a quarter
of a megabyte can keep it busy for half a minute.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

# Of one part; what is beyond is ignored. Microsoft 365 puts 20 KB of header fields into a bounce.
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADER_LINES = 1000
# Of the whole message.
MAX_PARTS = 40
MAX_DEPTH = 4
MAX_BOUNDARY_LENGTH = 200

_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')


@dataclass(frozen=True)
class Part:
    """A message or a part of one: header fields, with names in lower case and values on one line, and the raw body."""

    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, *names: str) -> list[str]:
        return [value for name, value in self.fields if name in names]

    def value(self, name: str) -> str:
        """Returns the first field of this name, or ""."""
        return next(iter(self.values(name)), "")

    @property
    def content_type(self) -> str:
        return self.value("content-type").partition(";")[0].strip().lower() or "text/plain"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Returns the parameters of the content type."""
        found = _PARAMETER.findall(self.value("content-type"))
        return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in found}

    @property
    def content(self) -> bytes:
        """Returns the body without its transfer encoding."""
        match self.value("content-transfer-encoding").strip().lower():
            case "base64":
                try:
                    return base64.b64decode(self.body)
                except binascii.Error:
                    return self.body
            case "quoted-printable":
                return quopri.decodestring(self.body)
        return self.body

    def leaves(self) -> "Iterator[Part]":
        """Yields the parts that are not multipart, in order. A message inside the message is such a part."""
        remaining, count = [(self, 0)], 0
        while remaining and count < MAX_PARTS:
            part, depth = remaining.pop()
            count += 1
            boundary = part.parameters.get("boundary", "") if part.content_type.startswith("multipart/") else ""
            if 0 < len(boundary) <= MAX_BOUNDARY_LENGTH and depth < MAX_DEPTH:
                remaining += [(each, depth + 1) for each in reversed(_split(part.body, boundary))]
            else:
                yield part


def read(raw: bytes) -> Part:
    """Returns the message; never raises. Its lines end in LF."""
    if raw.startswith(b"\n"):
        return Part((), raw[1:])
    head, _blank, body = raw.partition(b"\n\n")
    return Part(tuple(_fields(head)), body)


def read_block(block: bytes) -> Part:
    """Returns a part that has fields only, such as a block of a delivery report."""
    return Part(tuple(_fields(block.lstrip(b"\n"))), b"")


def _fields(head: bytes) -> list[tuple[str, str]]:
    """Returns the header fields, up to the limits. Lines that are no field are ignored."""
    unfolded: list[list[str]] = []
    text = head[:MAX_HEADER_BYTES].decode("utf-8", "replace")
    for line in text.split("\n", MAX_HEADER_LINES)[:MAX_HEADER_LINES]:
        if line.startswith((" ", "\t")) and unfolded:
            unfolded[-1].append(line.strip())
        else:
            unfolded.append([line])
    matches = (_FIELD.fullmatch(" ".join(lines)) for lines in unfolded)
    return [(found[1].lower(), found[2].strip()) for found in matches if found]


def _split(body: bytes, boundary: str) -> list[Part]:
    """Returns the parts between the delimiters, at most MAX_PARTS."""
    delimiter = b"\n--" + boundary.encode("utf-8", "replace")
    texts: list[bytes] = []
    for piece in (b"\n" + body).split(delimiter, MAX_PARTS)[1:]:
        line, _newline, rest = piece.partition(b"\n")
        if line.startswith(b"--"):
            break
        if not line.strip():
            texts.append(rest)
        elif texts:  # The boundary of a nested part begins with this one.
            texts[-1] += delimiter + piece
    return [read(text) for text in texts]
