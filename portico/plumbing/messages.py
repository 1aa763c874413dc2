"""From a letter to the message on the wire, and to what is kept of it."""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.conf import settings
from django.utils.html import escape

from portico.plumbing.cleaning import clean_line, mailbox_key
from portico.plumbing.emails import LINK_MARK, Letter
from portico.plumbing.models import OutgoingEmail

SHORTEST_SECRET = 20


def message(email: OutgoingEmail, letter: Letter, *, recipient: str, at: datetime) -> EmailMessage:
    """Text and HTML as alternatives, then what is attached; ASCII on the wire.

    Raises ValueError for an address that is none.
    """
    written = EmailMessage(policy=SMTP)
    written["Message-ID"] = email.message_id
    written["Date"] = format_datetime(at)
    written["From"] = _address(letter.sender_name, settings.EMAIL_FROM)
    written["To"] = _address(email.to_name, recipient)
    if letter.reply_to:
        written["Reply-To"] = _address("", letter.reply_to)
    written["Subject"] = clean_line(letter.subject)
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(letter.text, cte="quoted-printable")
    written.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for attached in letter.attachments:
        maintype, _slash, subtype = attached.kind.partition("/")
        written.add_attachment(attached.content, maintype=maintype, subtype=subtype, filename=attached.name)
    return written


def deliverable(address: str) -> str:
    """The address as a mail server takes it: its domain in ASCII, the part before the @ as it is.

    Raises ValueError for one that is malformed: libraries would mend it, and write to somebody else.
    """
    mailbox_key(address)
    local, _at, domain = address.strip().rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


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
