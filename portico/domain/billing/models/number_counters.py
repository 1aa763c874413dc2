"""Counters of gapless invoice and receipt numbers. Each is a table of its own, because its lock is taken last."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from portico.plumbing.database.base_models import PracticeRow, RowQuerySet

if TYPE_CHECKING:
    from portico.domain.practices.models import Practice


class CounterQuerySet[T: NumberCounter](RowQuerySet[T]):
    def take_number(self, practice: "Practice") -> int:
        """Takes the practice's next number. Other transactions that need one wait for the caller's to end."""
        self.get_or_create(practice=practice)
        counter = self.locked().get(practice=practice)
        number = counter.next_number
        counter.next_number = number + 1
        counter.save(update_fields=["next_number"])
        return number


class NumberCounter(PracticeRow):
    next_number = models.PositiveIntegerField(default=1)

    class Meta(PracticeRow.Meta):
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class InvoiceCounter(NumberCounter):
    """The next invoice number of a practice."""

    objects = CounterQuerySet.as_manager()

    class Meta(NumberCounter.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice",), name="billing_invoicecounter_one_a_practice"),
            models.CheckConstraint(condition=Q(next_number__gt=0), name="billing_invoicecounter_counts"),
        )


class ReceiptCounter(NumberCounter):
    """The next number of a payment's receipt at a practice."""

    objects = CounterQuerySet.as_manager()

    class Meta(NumberCounter.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice",), name="billing_receiptcounter_one_a_practice"),
        )
