"""Sharing runs: rows from which the worker shares all unshared invoices, and a page shows the progress."""

from django.db import models
from django.db.models import F, Q

from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.queue.leases import QueuedRow


class SharingRunQuerySet(RowQuerySet["SharingRun"]):
    def waiting(self) -> "SharingRunQuerySet":
        return self.filter(ended_at=None)


class SharingRun(QueuedRow):
    """Shares in batches all invoices that were issued and unshared when the run was requested."""

    ref = RefField()
    requested_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    # Excludes invoices that are issued after the request, also older drafts: an invoice is numbered when it is issued.
    last_number = models.PositiveIntegerField()
    # The id of the last invoice processed.
    last_shared_id = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField()
    shared = models.PositiveIntegerField(default=0)
    # Shared invoices whose clients were not notified by mail.
    not_notified = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True)

    objects = SharingRunQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            SamePractice("requested_by", name="billing_sharingrun_requested_by"),
            models.UniqueConstraint(
                fields=("practice",), condition=Q(ended_at=None), name="billing_sharingrun_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(not_notified__lte=F("shared")), name="billing_sharingrun_not_notified_of_shared"
            ),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(ended_at=None), name="billing_waiting_runs"),
            models.Index(fields=("practice", "-id"), name="billing_runs_newest"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    @property
    def left_out(self) -> int:
        """The number of invoices voided or shared otherwise before the run reached them; 0 until it is over."""
        # An invoice that is no longer shared is shared again, although it was not among those of the request.
        return max(self.total - self.shared, 0) if self.is_over else 0
