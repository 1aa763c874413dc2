"""A kind of mail for the plumbing's tests, and its rows."""

from datetime import datetime

from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import EmailEvent, OutgoingEmail
from tests.plumbing.sample_rows import a_practice

PURPOSE = "letters of tests"
NONCE = b"0123456789abcdef"


class Note(MailComposer):
    """A mail with a link in text and HTML, with a configurable refusal and number of errors."""

    label = "Note"

    def __init__(self) -> None:
        self.refusal: str | None = None
        self.stumbles = 0
        self.composed_at: list[datetime | None] = []
        self.told: list[str] = []

    def refuse(self, email: OutgoingEmail) -> str | None:
        return self.refusal

    def link(self, email: OutgoingEmail) -> str | None:
        if email.link_nonce is None:
            return None
        stored = tokens.digest(tokens.derive(NONCE, purpose=PURPOSE, key="the key of that time"))
        return f"https://portal.example.org/link/{tokens.derive_matching(NONCE, purpose=PURPOSE, digest=stored)}"

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        if self.stumbles:
            self.stumbles -= 1
            raise LookupError("ana@example.org is what must not be told")
        text = f"Hello.\n{link}\n" if link else "Hello.\n"
        return ComposedMail(
            email.subject, text, f"<p>Hello. <a href='{link}'>Sign in</a></p>", "desk@example.org", "Alder Street"
        )

    def state_changed(self, email: OutgoingEmail) -> None:
        self.told.append(email.state)


def an_email(
    key: str = "note:1",
    *,
    practice: Practice | None = None,
    queue: str = "rest",
    to_address: str = "ana@example.org",
    to_name: str = "Ana",
    subject: str = "Hello",
    link_nonce: bytes | None = None,
) -> OutgoingEmail:
    return outbox.queue(
        practice=practice or a_practice(),
        kind="note",
        key=key,
        to_address=to_address,
        to_name=to_name,
        subject=subject,
        content={},
        by=Actor.system(),
        queue=queue,
        link_nonce=link_nonce,
    )


def happened(email: OutgoingEmail) -> list[str]:
    return list(EmailEvent.objects.filter(email=email).order_by("id").values_list("kind", flat=True))
