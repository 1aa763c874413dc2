"""From a letter to the message on the wire, and to what is kept of it."""

import quopri
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address, BaseHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings
from django.utils.html import escape

from portico.plumbing.cleaning import clean_line
from portico.plumbing.emails import LINK_MARK, Letter
from portico.plumbing.models import OutgoingEmail

SHORTEST_SECRET = 20
# Reading and folding headers is what costs most in a message; many mails have the same ones.
KEPT_HEADERS = 256


class _Wire(EmailPolicy):
    """As email.policy.SMTP; but headers that many mails share are folded once."""

    def fold_binary(self, name: str, value: str) -> bytes:
        return _folded(name, value, utf8=self.utf8)


_WIRE = _Wire(linesep=SMTP.linesep)


@lru_cache(maxsize=KEPT_HEADERS)
def _folded(name: str, value: str, *, utf8: bool) -> bytes:
    return (SMTPUTF8 if utf8 else SMTP).fold_binary(name, value)


def message(email: OutgoingEmail, letter: Letter, *, recipient: str, at: datetime) -> EmailMessage:
    """Text and HTML as alternatives, then what is attached; ASCII on the wire.

    Raises ValueError for an address that is none.
    """
    written = EmailMessage(policy=_WIRE)
    written["Message-ID"] = email.message_id
    written["Date"] = format_datetime(at)
    written["From"] = _from_whom("From", letter.sender_name, settings.EMAIL_FROM)
    written["To"] = _address(email.to_name, recipient)
    if letter.reply_to:
        written["Reply-To"] = _from_whom("Reply-To", "", letter.reply_to)
    written["Subject"] = _header("Subject", clean_line(letter.subject))
    written["Auto-Submitted"] = _header("Auto-Submitted", "auto-generated")
    written["MIME-Version"] = _header("MIME-Version", "1.0")
    written["Content-Type"] = _header("Content-Type", "multipart/alternative")
    written.attach(_body(letter.text, "plain"))
    written.attach(_body(letter.html, "html"))
    for attached in letter.attachments:
        maintype, _slash, subtype = attached.kind.partition("/")
        written.add_attachment(attached.content, maintype=maintype, subtype=subtype, filename=attached.name)
    return written


def _body(text: str, subtype: str) -> EmailMessage:
    """What `set_content` makes of a text, at a third of its cost."""
    part = EmailMessage(policy=_WIRE)
    part["Content-Type"] = _header("Content-Type", f'text/{subtype}; charset="utf-8"')
    part["Content-Transfer-Encoding"] = _header("Content-Transfer-Encoding", "quoted-printable")
    lines = b"\n".join(text.encode().splitlines()) + b"\n"
    part.set_payload(quopri.encodestring(lines).decode("ascii"))
    return part


@lru_cache(maxsize=KEPT_HEADERS)
def _header(name: str, value: str) -> BaseHeader:
    header: BaseHeader = _WIRE.header_factory(name, value)
    return header


@lru_cache(maxsize=KEPT_HEADERS)
def _from_whom(name: str, display_name: str, address: str) -> BaseHeader:
    header: BaseHeader = _WIRE.header_factory(name, _address(display_name, address))
    return header


def masked(body: str, link: str | None, secrets: Sequence[str] = ()) -> str:
    """The body without the secret in the link's last part, and without the others."""
    for secret in (*([_secret_in(link)] if link else ()), *secrets):
        body = body.replace(secret, LINK_MARK).replace(escape(secret), LINK_MARK)
    return body


def _secret_in(link: str) -> str:
    secret = link.rstrip("/").rpartition("/")[2]
    # Not a token: better the whole address than none of it.
    return secret if len(secret) >= SHORTEST_SECRET else link


def _address(name: str, address: str) -> Address:
    local, _at, domain = address.rpartition("@")
    return Address(display_name=clean_line(name), username=local, domain=domain)
