"""Delivery reports about sent emails, mailboxes to which nothing may be sent, and the mailbox that collects reports."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, Row, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.models.outgoing_emails import OutgoingEmail
from portico.plumbing.queue.leases import QueuedRow

WORDS_LENGTH = 300


class ReportKind(models.TextChoices):
    """The fact that a report states about a mail."""

    # The receiving server, or the last one that sends reports, accepted the mail.
    RELAYED = "relayed", _("Accepted")
    DELIVERED = "delivered", _("Delivered")
    # The server still tries.
    DELAYED = "delayed", _("Delayed")
    FAILED = "failed", _("Bounced")
    COMPLAINED = "complained", _("Marked as spam")
    # The provider did not send it, because the address is on its own suppression list.
    REJECTED = "rejected", _("Blocked by the email provider")
    # No report: an out-of-office reply or the like.
    AUTO_REPLIED = "auto_replied", _("Automatic reply")


# The report says that a server of the recipient accepted the mail.
ACCEPTANCES = (ReportKind.RELAYED, ReportKind.DELIVERED)


class DeliveryReportQuerySet(RowQuerySet["DeliveryReport"]):
    def waiting(self) -> "DeliveryReportQuerySet":
        return self.filter(applied_at=None)

    def acceptances(self) -> "DeliveryReportQuerySet":
        return self.filter(kind__in=ACCEPTANCES)


class DeliveryReport(QueuedRow):
    """A report about one mail, received from a mail server or a provider, and applied by the worker.

    Of the report's own text, only the server's words are stored.
    """

    LONGEST_WAIT: ClassVar[timedelta] = timedelta(hours=1)

    email = models.ForeignKey(OutgoingEmail, models.PROTECT, related_name="delivery_reports", db_index=False)
    # "dsn" for a report by mail, "unstructured" for one without a standard form, else the provider's name.
    source = models.CharField(max_length=40)
    # The provider's id of the event, or the SHA-256 of the report: the same report arrives more than once.
    event_key = models.CharField(max_length=128)
    kind = models.CharField(max_length=12, choices=ReportKind.choices)
    # RFC 3463, such as "5.1.1"; empty if the report has none.
    status_code = models.CharField(max_length=12, blank=True)
    # The server's own words, as one printable line.
    words = models.CharField(max_length=WORDS_LENGTH, blank=True)
    # The domain of the server that accepted or rejected the mail.
    remote_server = models.CharField(max_length=254, blank=True)
    happened_at = models.DateTimeField()
    written_at = models.DateTimeField(default=clock.now, editable=False)
    applied_at = models.DateTimeField(null=True)

    objects = DeliveryReportQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            SamePractice("email", name="plumbing_deliveryreport_email"),
            models.UniqueConstraint(fields=("source", "event_key"), name="plumbing_deliveryreport_once"),
            models.CheckConstraint(condition=Q(kind__in=ReportKind.values), name="plumbing_deliveryreport_known_kind"),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(applied_at__isnull=True), name="report_waiting"),
            models.Index(fields=("email", "id"), name="report_of_email"),
            models.Index(fields=("practice", "kind", "written_at"), name="report_by_kind"),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.event_key}"


class StopKind(models.TextChoices):
    """The reason why a mailbox is stopped."""

    REFUSED = "refused", _("The mailbox doesn’t exist")
    COMPLAINED = "complained", _("Marked as spam")


class MailStopQuerySet(RowQuerySet["MailStop"]):
    def live(self) -> "MailStopQuerySet":
        return self.filter(lifted_at=None)


class MailStop(PracticeRow):
    """A suppressed mailbox: nothing is sent to it until the stop is lifted."""

    ref = RefField()
    # `mailboxes.mailbox_key` of the address.
    mailbox_key = models.CharField(max_length=320)
    kind = models.CharField(max_length=12, choices=StopKind.choices)
    # The mail whose report stopped the mailbox.
    email = models.ForeignKey(OutgoingEmail, models.PROTECT, related_name="+", db_index=False)
    words = models.CharField(max_length=WORDS_LENGTH, blank=True)
    stopped_at = models.DateTimeField(default=clock.now)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=100, blank=True)

    objects = MailStopQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("email", name="plumbing_mailstop_email"),
            models.UniqueConstraint(
                fields=("practice", "mailbox_key"),
                condition=Q(lifted_at__isnull=True),
                name="plumbing_mailstop_one_live",
            ),
            models.CheckConstraint(condition=Q(kind__in=StopKind.values), name="plumbing_mailstop_known_kind"),
        )
        indexes = (models.Index(fields=("practice", "mailbox_key", "-id"), name="mailstop_of_mailbox"),)

    def __str__(self) -> str:
        return self.ref


class ReportMailbox(Row):
    """The position in the mailbox that collects delivery reports; one row for the installation."""

    # The folder that was read last. Another one may have the same UIDVALIDITY: some servers always begin with 1.
    folder = models.CharField(max_length=64, blank=True)
    # Of that folder: its UIDs are comparable only while UIDVALIDITY stays the same (RFC 3501).
    uid_validity = models.PositiveBigIntegerField(default=0)
    last_uid = models.PositiveBigIntegerField(default=0)
    # One worker at a time reads the mailbox.
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveBigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)
    # What prevents reading it, and since when; empty if nothing does.
    problem = models.CharField(max_length=WORDS_LENGTH, blank=True)
    problem_since = models.DateTimeField(null=True)
    # The number of mails, read or taken from the mail server, with no valid report about one of ours.
    unmatched = models.PositiveBigIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)
