"""Automatic reminders of bills that were queued."""

from django.db import models

from portico.domain.billing.models.invoices import Invoice
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class Reminder(PracticeRow):
    """An automatic reminder of a bill, queued for one of the practice's reminder days; each day of a bill once."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="reminders", db_index=False)
    # The day of the reminder: the due date, plus or minus a number of days. The mail may be queued a day later.
    day = models.DateField()
    queued_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("invoice", name="billing_reminder_invoice"),
            models.UniqueConstraint(fields=("invoice", "day"), name="billing_reminder_one_a_day"),
        )

    def __str__(self) -> str:
        return str(self.pk)
