"""Sharing everything at once: a row that the worker takes up, and whose progress a page can tell."""

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
    """Shares what was issued and not shared when somebody pressed, a few invoices at a time."""

    ref = RefField()
    asked_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    # Only invoices up to this one: what is issued later was not meant.
    last_invoice_id = models.BigIntegerField()
    # As far as it has come.
    reached_id = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField()
    shared = models.PositiveIntegerField(default=0)
    # Of those, whose clients were not told by mail.
    not_told = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True)

    objects = SharingRunQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            SamePractice("asked_by", name="billing_sharingrun_asked_by"),
            models.UniqueConstraint(
                fields=("practice",), condition=Q(ended_at=None), name="billing_sharingrun_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(not_told__lte=F("shared")), name="billing_sharingrun_told_of_shared"),
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
