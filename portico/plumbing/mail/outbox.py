"""Mails as rows: writing one in its cause's transaction, what it is composed from, and how mailing goes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, Unpack

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.models import EmailEvent, OutgoingEmail
from portico.plumbing.models.outgoing_emails import SUBJECT_LENGTH, DelayCause, EmailEventKind, EmailState, MailQueue
from portico.plumbing.queue.leases import lag as overdue
from portico.plumbing.refusals import Refused
from portico.plumbing.text import input_validation

if TYPE_CHECKING:
    from django.db.models import Model
    from django.utils.functional import _StrPromise

# What stands for a secret in a mail that is kept.
LINK_PLACEHOLDER = "••••••••"
REASON_LENGTH = 300


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; made at hand-over and not kept."""

    name: str
    content: bytes
    # Such as application/pdf.
    kind: str


@dataclass(frozen=True)
class ComposedMail:
    """A mail as its reader gets it; the sender's address is the installation's own."""

    subject: str
    text: str
    html: str
    reply_to: str
    sender_name: str
    attachments: tuple[Attachment, ...] = ()


class MailComposer(ABC):
    """How one kind of mail is made; registered under its kind by the app that writes such mails."""

    # What staff read in the list of mails.
    label: "str | _StrPromise" = ""

    def look_up(self, emails: Sequence[OutgoingEmail]) -> None:  # noqa: B027  # Most kinds look each up by itself.
        """Called before the rest with those that will leave together: what all need may be read at once."""

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Asked at hand-over: why the mail may no longer leave, in words for staff; None when it may."""
        return None

    def link(self, email: OutgoingEmail) -> str | None:
        """The absolute address in the mail whose last part is a secret; derived, the same at every try."""
        return None

    def secrets(self, email: OutgoingEmail) -> tuple[str, ...]:
        """What else in the mail is a secret (a code): masked like the link in what is kept."""
        return ()

    @abstractmethod
    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        """The whole mail. An error here counts as a mistake; five park the mail."""

    def state_changed(self, email: OutgoingEmail) -> None:  # noqa: B027  # Most kinds have nothing to do then.
        """Called in the transaction in which the mail was settled or started again; a delay is neither.

        The mail's row is locked by then: a row of the domain may be locked after it, never before.
        """


_composers: dict[str, MailComposer] = {}


def register(kind: str, composer: MailComposer) -> None:
    _composers[kind] = composer


def composer(kind: str) -> MailComposer:
    """Raises KeyError for a kind that no app has registered."""
    return _composers[kind]


def composer_or_none(kind: str) -> MailComposer | None:
    return _composers.get(kind)


def label(kind: str) -> "str | _StrPromise":
    """The kind's name on the screen, also when the app that wrote it is gone."""
    known = _composers.get(kind)
    return (known.label if known else "") or kind.replace("_", " ").capitalize()


class Draft(TypedDict):
    """What a mail is made of. `content` may hold no secret; under `attached` it names the files that go along."""

    practice: "Model"
    kind: str
    # Made of stable ids: one that exists gives the mail that was written then.
    key: str
    to_address: str
    to_name: str
    subject: str
    content: dict[str, Any]  # Any: whatever JSON the kind's composer reads.
    by: Actor
    client: NotRequired["Model | None"]
    lane: NotRequired[str]
    link_nonce: NotRequired[bytes | None]


def queue(**draft: Unpack[Draft]) -> OutgoingEmail:
    """Writes a mail in the caller's transaction; the worker hands it over after the commit.

    Safe to repeat: a key that exists gives the mail that was written then.
    """
    columns = _columns(draft)
    with transaction.atomic():
        email, is_new = OutgoingEmail.objects.get_or_create(
            practice_id=columns.pop("practice_id"), key=columns.pop("key"), defaults=columns
        )
        if is_new:
            add_event(email, EmailEventKind.WRITTEN, words=email.written_by)
    return email


def queue_new(drafts: Sequence[Draft]) -> list[OutgoingEmail]:
    """As `queue`, for many at once whose keys are known to be new: a few statements, not several for each."""
    emails = OutgoingEmail.objects.bulk_create(OutgoingEmail(**_columns(draft)) for draft in drafts)
    EmailEvent.objects.bulk_create(_event(email, EmailEventKind.WRITTEN, words=email.written_by) for email in emails)
    return emails


def _columns(draft: Draft) -> dict[str, Any]:  # Any: a column's value.
    composer(draft["kind"])  # An unknown kind is a mistake to find here, not in the worker.
    domain = settings.EMAIL_FROM.rpartition("@")[2]
    client = draft.get("client")
    return {
        "practice_id": draft["practice"].pk,
        "key": draft["key"],
        "kind": draft["kind"],
        "lane": draft.get("lane", MailQueue.REST),
        "client_id": None if client is None else client.pk,
        "to_address": draft["to_address"],
        "to_name": input_validation.clean_line(draft["to_name"]),
        "subject": _fitting(input_validation.clean_line(draft["subject"])),
        "content": draft["content"],
        "link_nonce": draft.get("link_nonce"),
        "message_id": f"<{tokens.new_ref()}@{domain}>",
        "written_by": draft["by"].name,
    }


def _fitting(subject: str) -> str:
    # A placeholder may have made it longer than what was typed and checked.
    return subject if len(subject) <= SUBJECT_LENGTH else subject[: SUBJECT_LENGTH - 1].rstrip() + "…"


def add_event(email: OutgoingEmail, kind: EmailEventKind, *, words: str = "", detail: str = "") -> EmailEvent:
    """Adds to what happened to a mail."""
    event = _event(email, kind, words=words, detail=detail)
    event.save(force_insert=True)
    return event


def _event(email: OutgoingEmail, kind: EmailEventKind, *, words: str = "", detail: str = "") -> EmailEvent:
    return EmailEvent(
        practice_id=email.practice_id,
        email=email,
        kind=kind,
        words=words[:REASON_LENGTH],
        detail=detail[:REASON_LENGTH],
    )


class NotRetryable(Refused):
    message = gettext_lazy("Only an email that failed can be started again.")


def retry(email: OutgoingEmail, *, by: Actor) -> OutgoingEmail:
    """Puts a failed or parked mail back in line. Raises CannotStartAgain for one that had another outcome."""
    with transaction.atomic():
        email = OutgoingEmail.objects.locked().get(pk=email.pk)
        if email.is_waiting:
            return email
        if email.state != EmailState.FAILED:
            raise NotRetryable
        email.put_back_in_line()
        add_event(email, EmailEventKind.RESTARTED, words=by.name)
        audit_log.record(MailAction.RESTARTED, practice=email.practice, client=email.client, about=email.ref, by=by)
        composer(email.kind).state_changed(email)
    return email


def park(email: OutgoingEmail, reason: str) -> bool:
    """Takes a waiting mail out of line until staff start it again; False for one that no longer waits.

    In the caller's transaction. What an earlier try may have done is forgotten: the times of its link run
    from the first try after it is started again, and until then the link is dead.
    """
    email = OutgoingEmail.objects.locked().select_related("practice").get(pk=email.pk)
    if not email.is_waiting:
        return False
    email.park(reason[:REASON_LENGTH], at=clock.now())
    add_event(email, EmailEventKind.PARKED, words=reason)
    known = composer_or_none(email.kind)
    if known is not None:
        known.state_changed(email)
    return True


@dataclass(frozen=True)
class MailOutage:
    """That mails wait because of our own mail server, and since when."""

    since: datetime
    words: str
    detail: str
    waiting: int


def current_outage(practice: "Model") -> MailOutage | None:
    """What keeps this practice's mails from leaving, unless it is the recipients' own affair."""
    held = OutgoingEmail.objects.filter(
        practice_id=practice.pk, delayed_at__isnull=False, delayed_by__in=(DelayCause.OURS, DelayCause.ANSWER)
    )
    oldest = held.order_by("delayed_at").first()
    if oldest is None or oldest.delayed_at is None:
        return None
    return MailOutage(
        since=oldest.delayed_at,
        words=oldest.reason or _("The mail server does not take our mail."),
        detail=oldest.detail,
        waiting=held.count(),
    )


def lag() -> timedelta:
    """How long the mail that should have left first has been overdue."""
    return overdue(OutgoingEmail.objects.free_to_leave())
