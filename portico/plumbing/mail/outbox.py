"""The queue of outgoing mails: queueing, retrying and parking them, their composers, and outages."""

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
from portico.plumbing.database import insertion
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.models import EmailEvent, OutgoingEmail
from portico.plumbing.models.outgoing_emails import SUBJECT_LENGTH, DelayCause, EmailEventKind, EmailState, MailQueue
from portico.plumbing.queue.leases import lag as overdue
from portico.plumbing.refusals import Refused
from portico.plumbing.text import input_validation

if TYPE_CHECKING:
    from django.db.models import Model
    from django.utils.functional import _StrPromise

    from portico.plumbing.mail.returned_mail import ReturnedMail

# Replaces a secret in a stored mail.
LINK_PLACEHOLDER = "••••••••"
REASON_LENGTH = 300
DELETION_BATCH_SIZE = 1_000


@dataclass(frozen=True)
class Attachment:
    """A file attached to a mail; created when it is sent and not stored."""

    name: str
    content: bytes
    # Such as application/pdf.
    kind: str


@dataclass(frozen=True)
class ComposedMail:
    """A mail as its recipient reads it; the sender's address is the installation's own.

    Its subject replaces the one that the mail was queued with.
    """

    subject: str
    text: str
    html: str
    reply_to: str
    sender_name: str
    attachments: tuple[Attachment, ...] = ()


class MailComposer(ABC):
    """Composes one kind of mail; registered under its kind by the app that queues such mails."""

    # The kind's name in the list of mails.
    label: "str | _StrPromise" = ""
    # A mail to staff is sent even if the practice may send nothing else to the mailbox.
    is_to_staff = False
    # `came_back` is called.
    reads_returned_mails = False

    def look_up(self, emails: Sequence[OutgoingEmail]) -> None:  # noqa: B027  # Most kinds look up each mail separately.
        """Loads what several mails need at once; called first, with the mails of one batch."""

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Returns the reason, for staff, why the mail must not be sent any more, else None. Called on delivery."""
        return None

    def link(self, email: OutgoingEmail) -> str | None:
        """Returns the absolute URL in the mail whose last part is a secret; derived, the same for every attempt."""
        return None

    def secrets(self, email: OutgoingEmail) -> tuple[str, ...]:
        """Returns the other secrets in the mail (a code); masked like the link in the stored mail."""
        return ()

    @abstractmethod
    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        """Returns the complete mail. Errors raised here are counted; the fifth parks the mail."""

    def state_changed(self, email: OutgoingEmail) -> None:  # noqa: B027  # Most kinds do nothing then.
        """Called in the transaction in which the mail was settled or restarted, but not when it is delayed.

        Nor if its failure stops the mailbox: then its owners are called (`mail_stops.MailboxOwner`). The mail's row is
        locked by then: other rows may be locked after it, never before.
        """

    def recipient(self, email: OutgoingEmail) -> str:
        """Returns the address to send to, a form of `to_address` that reaches the same mailbox."""
        return email.to_address

    def came_back(self, email: OutgoingEmail, returned: "ReturnedMail") -> None:  # noqa: B027  # As above.
        """Called when the mail arrived in the mailbox of the delivery reports, or a report repeats its header.

        That is in the transaction which stores the reports. The same mail may come back more than once.
        """


_composers: dict[str, MailComposer] = {}


def register(kind: str, composer: MailComposer) -> None:
    _composers[kind] = composer


def composer_of(kind: str) -> MailComposer:
    """Returns the composer of a kind. Raises KeyError for a kind that no app has registered."""
    return _composers[kind]


def composer_or_none(kind: str) -> MailComposer | None:
    return _composers.get(kind)


def kinds_that_read_returned_mails() -> list[str]:
    return [kind for kind, composer in _composers.items() if composer.reads_returned_mails]


def is_to_staff(email: OutgoingEmail) -> bool:
    composer = composer_or_none(email.kind)
    return composer is not None and composer.is_to_staff


def kind_label(kind: str) -> "str | _StrPromise":
    """Returns the kind's name for the screen, also if no app registers it any more."""
    known = _composers.get(kind)
    return (known.label if known else "") or kind.replace("_", " ").capitalize()


class Draft(TypedDict):
    """The arguments of `queue`. `content` must hold no secret; its `attached` names the files to attach."""

    practice: "Model"
    kind: str
    # Made of stable ids; an existing key returns the existing mail.
    key: str
    to_address: str
    to_name: str
    subject: str
    content: dict[str, Any]  # Any: the composer's own JSON.
    by: Actor
    client: NotRequired["Model | None"]
    queue: NotRequired[str]
    link_nonce: NotRequired[bytes | None]


def queue(**draft: Unpack[Draft]) -> OutgoingEmail:
    """Queues a mail in the caller's transaction; the worker sends it after the commit.

    Safe to repeat: an existing key returns the existing mail.
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
    """Queues mails whose keys are known to be new, in two statements."""
    emails = [OutgoingEmail(**_columns(draft)) for draft in drafts]
    insertion.insert_all(emails)
    insertion.insert_all([_event(email, EmailEventKind.WRITTEN, words=email.written_by) for email in emails])
    return emails


def _columns(draft: Draft) -> dict[str, Any]:  # Any: a column's value.
    composer_of(draft["kind"])  # Raises for an unknown kind here rather than in the worker.
    domain = settings.EMAIL_FROM.rpartition("@")[2]
    client = draft.get("client")
    return {
        "practice_id": draft["practice"].pk,
        "key": draft["key"],
        "kind": draft["kind"],
        "queue": draft.get("queue", MailQueue.REST),
        "client_id": None if client is None else client.pk,
        "to_address": draft["to_address"],
        "to_name": input_validation.clean_line(draft["to_name"]),
        "subject": subject_line(draft["subject"]),
        "content": draft["content"],
        "link_nonce": draft.get("link_nonce"),
        "message_id": f"<{tokens.new_ref()}@{domain}>",
        "written_by": draft["by"].name,
    }


def subject_line(subject: str) -> str:
    """Returns a subject as it is stored: a placeholder may have made it longer than the text that was validated."""
    subject = input_validation.clean_line(subject)
    return subject if len(subject) <= SUBJECT_LENGTH else subject[: SUBJECT_LENGTH - 1].rstrip() + "…"


def add_event(email: OutgoingEmail, kind: EmailEventKind, *, words: str = "", detail: str = "") -> EmailEvent:
    """Adds an event to the history of a mail."""
    event = _event(email, kind, words=words, detail=detail)
    insertion.insert(event)
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
    message = gettext_lazy("Only a failed email can be retried.")


def retry(email: OutgoingEmail, *, by: Actor) -> OutgoingEmail:
    """Queues a failed or parked mail again, as if for the first time: its links get their whole lifetime.

    Raises NotRetryable for a mail with another outcome.
    """
    with transaction.atomic():
        email = OutgoingEmail.objects.locked().get(pk=email.pk)
        if email.is_waiting:
            return email
        if email.state != EmailState.FAILED:
            raise NotRetryable
        email.requeue()
        add_event(email, EmailEventKind.RESTARTED, words=by.name)
        audit_log.record(MailAction.RESTARTED, practice=email.practice, client=email.client, about=email.ref, by=by)
        composer_of(email.kind).state_changed(email)
    return email


def park(email: OutgoingEmail, reason: str) -> bool:
    """Parks a waiting mail until staff retry it. Returns False for a mail that is no longer waiting.

    Called in the caller's transaction. Earlier attempts no longer count: the lifetime of its link starts with the
    first attempt after the retry, and until then the link is not valid.
    """
    email = OutgoingEmail.objects.locked().select_related("practice").get(pk=email.pk)
    if not email.is_waiting:
        return False
    email.park(reason[:REASON_LENGTH], at=clock.now())
    add_event(email, EmailEventKind.PARKED, words=reason)
    registered = composer_or_none(email.kind)
    if registered is not None:
        registered.state_changed(email)
    return True


def delete_old_bodies() -> int:
    """Deletes the bodies of mails settled more than EMAIL_BODY_TTL ago, a batch of the oldest; a scheduled task.

    Returns their number. The rows stay: to whom a mail was sent and when, its subject and its history.
    """
    lifetime = timedelta(seconds=settings.EMAIL_BODY_TTL)
    with_body = OutgoingEmail.objects.filter(body_deleted_at=None, settled_at__isnull=False)
    oldest = list(with_body.order_by("id").values_list("id", flat=True)[:DELETION_BATCH_SIZE])
    old = OutgoingEmail.objects.filter(clock.not_within("settled_at", lifetime), id__in=oldest)
    return old.update(body_text="", body_html="", body_deleted_at=clock.now())


@dataclass(frozen=True)
class MailOutage:
    """An outage of our own mail server, for which mails are waiting."""

    since: datetime
    words: str
    detail: str
    waiting: int


def current_outage(practice: "Model") -> MailOutage | None:
    """Returns the outage that delays this practice's mails; None if only recipients' servers delay them."""
    delayed = OutgoingEmail.objects.filter(
        practice_id=practice.pk, delayed_at__isnull=False, delayed_by__in=(DelayCause.OURS, DelayCause.ANSWER)
    )
    oldest = delayed.order_by("delayed_at").first()
    if oldest is None or oldest.delayed_at is None:
        return None
    return MailOutage(
        since=oldest.delayed_at,
        words=oldest.reason or _("Our mail server is not accepting email."),
        detail=oldest.detail,
        waiting=delayed.count(),
    )


def lag() -> timedelta:
    """Returns how long the most overdue mail has been due."""
    return overdue(OutgoingEmail.objects.free_to_leave())
