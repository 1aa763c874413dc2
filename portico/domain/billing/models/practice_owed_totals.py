"""The kept totals of what a practice is owed."""

from django.db import models

from portico.plumbing.database.base_models import PracticeRow, RowQuerySet


class OwedTotal(PracticeRow):
    """The sum of `Invoice.totaled_minor` of a practice, written only by `ledger.practice_owed_total`."""

    minor = models.BigIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice",), name="billing_owedtotal_one_a_practice"),
        )

    def __str__(self) -> str:
        return str(self.pk)
