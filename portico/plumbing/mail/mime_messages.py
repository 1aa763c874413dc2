"""From a letter to the message on the wire, and to what is kept of it."""

import quopri
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import BaseHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings
from django.utils.html import escape

from portico.plumbing.mail import headers, round_trip_check
from portico.plumbing.mail.outbox import LINK_PLACEHOLDER, ComposedMail
from portico.plumbing.mail.round_trip_check import Mailbox
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text.input_validation import clean_line
from portico.plumbing.text.mailboxes import deliverable

SHORTEST_SECRET = 20
# Reading and folding headers is what costs most in a message; many mails have the same ones.
KEPT_HEADERS = 256


def message(email: OutgoingEmail, letter: ComposedMail, *, recipient: str, at: datetime) -> bytes:
    """The mail as it goes over the wire: text and HTML as alternatives, then what is attached.

    In ASCII, unless the recipient's address is not. Raises ValueError for an address that no header can carry, and
    MisreadMail if a receiving program would read another mail than the letter.
    """
    body = EmailMessage(policy=SMTP)
    body["MIME-Version"] = _header("MIME-Version", "1.0")
    body["Content-Type"] = _header("Content-Type", "multipart/alternative")
    body.attach(_body(letter.text, "plain"))
    body.attach(_body(letter.html, "html"))
    for attached in letter.attachments:
        maintype, _slash, subtype = attached.kind.partition("/")
        body.add_attachment(attached.content, maintype=maintype, subtype=subtype, filename=attached.name)
    mailboxes = {
        "From": Mailbox(letter.sender_name, settings.EMAIL_FROM),
        "To": Mailbox(email.to_name, recipient),
    }
    if letter.reply_to:
        mailboxes["Reply-To"] = Mailbox(letter.sender_name, deliverable(letter.reply_to))
    return assemble(mailboxes, letter.subject, body, message_id=email.message_id, at=at)


def assemble(
    mailboxes: Mapping[str, Mailbox], subject: str, body: EmailMessage, *, message_id: str, at: datetime
) -> bytes:
    """The header before a body that says its own type; read back as a receiving program would.

    `mailboxes` are by field, such as `From`. Raises MisreadMail when what is read is not what was given.
    """
    subject = clean_line(subject)
    mailboxes = {field: Mailbox(clean_line(each.name), each.address) for field, each in mailboxes.items()}
    raw = b"".join(
        (
            headers.plain("Message-ID", message_id),
            headers.plain("Date", format_datetime(at)),
            *(headers.mailbox(field, each.name, each.address) for field, each in mailboxes.items()),
            headers.text("Subject", subject),
            headers.plain("Auto-Submitted", "auto-generated"),
            body.as_bytes(policy=SMTP),
        )
    )
    round_trip_check.check(raw, subject=subject, mailboxes=mailboxes)
    return raw


def _body(text: str, subtype: str) -> EmailMessage:
    """What `set_content` makes of a text, at a third of its cost."""
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = _header("Content-Type", f'text/{subtype}; charset="utf-8"')
    part["Content-Transfer-Encoding"] = _header("Content-Transfer-Encoding", "quoted-printable")
    lines = b"\n".join(text.encode().splitlines()) + b"\n"
    part.set_payload(quopri.encodestring(lines).decode("ascii"))
    return part


@lru_cache(maxsize=KEPT_HEADERS)
def _header(name: str, value: str) -> BaseHeader:
    header: BaseHeader = SMTP.header_factory(name, value)
    return header


def masked(body: str, link: str | None, secrets: Sequence[str] = ()) -> str:
    """The body without the secret in the link's last part, and without the others."""
    for secret in (*([_secret_in(link)] if link else ()), *secrets):
        body = body.replace(secret, LINK_PLACEHOLDER).replace(escape(secret), LINK_PLACEHOLDER)
    return body


def _secret_in(link: str) -> str:
    secret = link.rstrip("/").rpartition("/")[2]
    # Not a token: better the whole address than none of it.
    return secret if len(secret) >= SHORTEST_SECRET else link
