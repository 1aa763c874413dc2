"""Parses a finished message as a receiving program would, before it is sent.

Independent of `headers`, which wrote it: an error there must not reach a mail server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses

MAX_LINE_LENGTH = 998
ADDRESS_FIELDS = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
_FIELD = re.compile(r"([!-9;-~]+): ?(.*)", re.DOTALL)


class MisreadMail(ValueError):
    """A receiving program would not read the mail as intended."""


@dataclass(frozen=True)
class NamedMailbox:
    name: str
    address: str


def check(raw: bytes, *, subject: str, mailboxes: Mapping[str, NamedMailbox]) -> None:
    """Raises MisreadMail unless the message has this subject and exactly these mailboxes by field.

    Other fields with mailboxes must be absent. No header line may be too long or blank.
    """
    fields = _fields(raw)
    if _decoded(fields.get("subject", "")) != subject:
        raise MisreadMail("The subject reads differently.")
    read = {name: _mailbox(fields[name.lower()]) for name in ADDRESS_FIELDS if name.lower() in fields}
    if read != mailboxes:
        raise MisreadMail("The sender, the recipient or the reply address reads differently.")
    if _has_defects(BytesParser(policy=compat32).parsebytes(raw)):
        raise MisreadMail("The mail is malformed.")


def _fields(raw: bytes) -> dict[str, str]:
    """Returns the unfolded values of the header by lower-case name."""
    header, end, _body = raw.partition(b"\r\n\r\n")
    lines = header.split(b"\r\n")
    if not end or any(not line.strip() or len(line) > MAX_LINE_LENGTH or re.search(rb"[\r\n]", line) for line in lines):
        raise MisreadMail("The header has an invalid line.")
    fields: dict[str, str] = {}
    for line in re.split(r"\r\n(?![ \t])", header.decode()):
        found = _FIELD.fullmatch(line)
        if found is None or found[1].lower() in fields:
            raise MisreadMail("The header has a malformed or duplicate field.")
        fields[found[1].lower()] = found[2].replace("\r\n", "")
    return fields


def _mailbox(value: str) -> NamedMailbox | None:
    """Returns the only mailbox of the field; None if there is none or there are several."""
    found = getaddresses([value])
    if len(found) != 1 or not found[0][1]:
        return None
    name, address = found[0]
    return NamedMailbox(_decoded(name), address)


def _decoded(value: str) -> str:
    if "=?" not in value:
        return value
    parts = decode_header(value)
    return "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in parts)


def _has_defects(parsed: Message) -> bool:
    return any(part.defects for part in parsed.walk())
