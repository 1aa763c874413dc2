"""Outgoing emails with their states, and the events of each."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.queue.leases import QueuedRow

SUBJECT_LENGTH = 150


class MailQueue(models.TextChoices):
    """The queues of mails. Sign-in mail has its own, so that other mail never delays it; so has mail sent at a rate."""

    ENTRANCE = "entrance", _("Sign-in email")
    BULK = "bulk", _("Email to many recipients")
    REST = "rest", _("Other email")


class EmailState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    HANDED_OVER = "handed_over", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    DELAYED = "delayed", _("Retrying")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")
    FAILED = "failed", _("Failed")
    DROPPED = "dropped", _("Not sent")


WAITING = (EmailState.QUEUED, EmailState.DELAYED)
# Our mail server took it, and no failure was reported.
TAKEN_STATES = (EmailState.HANDED_OVER, EmailState.DELIVERED)
# The mailbox rejected it, or its reader did.
REJECTED_STATES = (EmailState.BOUNCED, EmailState.COMPLAINED)
# The mail was sent, or offered, and did not arrive.
FAILED_STATES = (*REJECTED_STATES, EmailState.FAILED)
# And these: it was not even offered.
NOT_DELIVERED_STATES = (*FAILED_STATES, EmailState.DROPPED)


class DelayCause(models.TextChoices):
    """The cause of a delay."""

    OURS = "ours", _("Our mail server")
    RECIPIENT = "recipient", _("The recipient's mail server")
    ANSWER = "answer", _("A lost reply")


class FailureCause(models.TextChoices):
    """The reason why a mail failed, as far as the server's reply or a delivery report says."""

    NO_MAILBOX = "no_mailbox", _("No such mailbox")
    FULL = "full", _("Mailbox full")
    EXPIRED = "expired", _("Their mail server didn’t answer")
    COMPLAINED = "complained", _("Marked as spam")
    PROVIDER_LIST = "provider_list", _("Blocked by the email provider")
    UNEXPLAINED = "unexplained", _("Rejected without a reason")
    DISTRUST = "distrust", _("Their server doesn’t trust our email")
    MESSAGE = "message", _("This email was rejected")
    OTHER = "other", _("Rejected for another reason")


# Rejections of us, or of one mail: they say nothing about the mailbox, and no client can fix them.
OUR_CAUSES = (FailureCause.DISTRUST, FailureCause.MESSAGE)


class OutgoingEmailQuerySet(RowQuerySet["OutgoingEmail"]):
    def waiting(self) -> "OutgoingEmailQuerySet":
        return self.filter(settled_at=None)

    def free_to_leave(self) -> "OutgoingEmailQuerySet":
        """Excludes mails of suspended practices, which wait until the practice is resumed."""
        return self.waiting().filter(practice__suspended_at=None)

    def in_queue(self, queue: str) -> "OutgoingEmailQuerySet":
        return self.filter(queue=queue)


class OutgoingEmail(QueuedRow):
    """A mail: its recipient, its content and its state.

    `content` is the composer's input and holds no secret; the link's token is derived from `link_nonce` on delivery.
    The bodies are stored as they were sent, with the token masked.
    """

    LONGEST_WAIT: ClassVar[timedelta] = timedelta(minutes=30)

    ref = RefField()
    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=10, choices=MailQueue.choices, default=MailQueue.REST)
    # Made of stable ids ("invitation:41"), so that one event never queues a second mail.
    key = models.CharField(max_length=120, unique=True)
    client = models.ForeignKey(
        "clients.Client",
        models.PROTECT,
        null=True,
        related_name="outgoing_emails",
        db_index=False,  # An index below begins with it.
    )
    to_address = models.CharField(max_length=254)
    to_name = models.CharField(max_length=210, blank=True)
    subject = models.CharField(max_length=SUBJECT_LENGTH)
    content = models.JSONField(default=dict)
    body_text = models.TextField(blank=True)
    body_html = models.TextField(blank=True)
    body_deleted_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=320, unique=True, editable=False)
    link_nonce = models.BinaryField(null=True)
    written_at = models.DateTimeField(default=clock.now, editable=False)
    written_by = models.CharField(max_length=100, blank=True)

    state = models.CharField(max_length=12, choices=EmailState.choices, default=EmailState.QUEUED)
    # The reason in plain words for staff; `detail` is the text of the server or the exception.
    reason = models.CharField(max_length=300, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    # The first attempt that may have sent the mail: the lifetime of its links starts then.
    handing_over_at = models.DateTimeField(null=True)
    handed_over_at = models.DateTimeField(null=True)
    # When the receiving server accepted it, and its domain, from a delivery report.
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.CharField(max_length=254, blank=True)
    # When it was rejected, marked as spam or given up, and why. A mail that could not be created has neither.
    failed_at = models.DateTimeField(null=True)
    failure_cause = models.CharField(max_length=16, choices=FailureCause.choices, blank=True)
    # When the current delay, with the same cause, began.
    delayed_at = models.DateTimeField(null=True)
    delayed_by = models.CharField(max_length=10, choices=DelayCause.choices, blank=True)
    # The number of errors in building it; an unreachable server is not one.
    errors = models.PositiveSmallIntegerField(default=0)
    parked_at = models.DateTimeField(null=True)
    # When it stopped waiting, whatever the outcome.
    settled_at = models.DateTimeField(null=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            SamePractice("client", name="plumbing_outgoingemail_client"),
            models.CheckConstraint(condition=Q(state__in=EmailState.values), name="plumbing_outgoingemail_known_state"),
            models.CheckConstraint(
                condition=Q(state__in=WAITING, settled_at__isnull=True)
                | (~Q(state__in=WAITING) & Q(settled_at__isnull=False)),
                name="plumbing_outgoingemail_waits_or_settled",
            ),
            models.CheckConstraint(
                condition=Q(state=EmailState.DELAYED, delayed_at__isnull=False)
                | (~Q(state=EmailState.DELAYED) & Q(delayed_at__isnull=True)),
                name="plumbing_outgoingemail_delayed_since",
            ),
            models.CheckConstraint(
                condition=Q(parked_at__isnull=True) | Q(state=EmailState.FAILED),
                name="plumbing_outgoingemail_parked_failed",
            ),
        )
        indexes = (
            models.Index(
                fields=("queue", "practice", "id"), condition=Q(settled_at__isnull=True), name="outgoing_waiting"
            ),
            models.Index(
                fields=("practice", "delayed_at"), condition=Q(delayed_at__isnull=False), name="outgoing_delayed"
            ),
            models.Index(fields=("id",), condition=Q(body_deleted_at__isnull=True), name="outgoing_with_body"),
            models.Index(
                fields=("handing_over_at",),
                condition=Q(handing_over_at__isnull=False),
                name="outgoing_by_hand_over",
            ),
            models.Index(fields=("practice", "-id"), name="outgoing_newest"),
            models.Index(fields=("practice", "state", "-id"), name="outgoing_by_state"),
            models.Index(fields=("client", "-id"), name="outgoing_of_client"),
            models.Index(fields=("practice", "to_address", "-id"), name="outgoing_to_address"),
            models.Index(fields=("practice", "-id"), condition=Q(failed_at__isnull=False), name="outgoing_failed"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_waiting(self) -> bool:
        return self.settled_at is None

    @property
    def is_parked(self) -> bool:
        return self.parked_at is not None

    def park(self, reason: str, *, at: datetime) -> None:
        self.state, self.reason, self.detail = EmailState.FAILED, reason, ""
        self.settled_at = self.parked_at = at
        self.delayed_at, self.delayed_by = None, ""
        self.handing_over_at = self.lease_until = self.not_before = None
        self.attempts += 1  # A worker that still has it can no longer save an outcome.
        self.save()

    def settle_as_taken(self, *, at: datetime) -> None:
        """Settles a mail whose server took it, although its reply was lost; saves it."""
        self.state, self.reason, self.detail = EmailState.HANDED_OVER, "", ""
        self.settled_at, self.handed_over_at = at, self.handing_over_at or at
        self.delayed_at, self.delayed_by = None, ""
        self.lease_until = self.not_before = None
        self.attempts += 1  # A worker that still has it can no longer save an outcome.
        self.save()

    def requeue(self) -> None:
        """Queues the mail again; saves it. Earlier attempts no longer count: its links live from the next one on."""
        self.state, self.reason, self.detail, self.failure_cause = EmailState.QUEUED, "", "", ""
        self.settled_at = self.parked_at = self.body_deleted_at = self.lease_until = self.not_before = None
        self.handing_over_at = self.handed_over_at = self.failed_at = self.accepted_at = None
        self.accepted_by = ""
        self.errors = 0
        self.attempts += 1  # A worker that still has it can no longer save an outcome.
        self.save()


class EmailEventKind(models.TextChoices):
    WRITTEN = "written", _("Created")
    HANDED_OVER = "handed_over", _("Sent")
    DELAYED = "delayed", _("Delayed")
    REFUSED = "refused", _("Rejected")
    DROPPED = "dropped", _("Not sent")
    PARKED = "parked", _("On hold")
    RESTARTED = "restarted", _("Retried")
    FETCHED = "fetched", _("Link opened (maybe by a mail scanner)")
    PRESSED = "pressed", _("Link used")
    CODE_TYPED = "code_typed", _("Code entered")
    # From delivery reports.
    ACCEPTED = "accepted", _("Accepted by the recipient’s mail server")
    STILL_TRYING = "still_trying", _("The recipient’s mail server is still trying")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")
    AUTO_REPLIED = "auto_replied", _("Automatic reply")


class EmailEvent(PracticeRow):
    """An event in the history of a mail."""

    email = models.ForeignKey(OutgoingEmail, models.PROTECT, related_name="events", db_index=False)
    kind = models.CharField(max_length=12, choices=EmailEventKind.choices)
    at = models.DateTimeField(default=clock.now, editable=False)
    words = models.CharField(max_length=300, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("email", name="plumbing_emailevent_email"),
        )
        indexes = (models.Index(fields=("email", "id"), name="emailevent_of_email"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
