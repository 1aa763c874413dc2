"""Restores of a practice's data from a backup; events after the backup are missing until reconciled."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet


class RestorationQuerySet(RowQuerySet["Restoration"]):
    def unreconciled(self) -> "RestorationQuerySet":
        return self.filter(reconciled_at=None)


class Restoration(PracticeRow):
    """One restore. External systems with records of their own (Stripe) are queried for the missing period."""

    # Nothing is missing from before this time; the backup may hold a little more.
    backup_made_at = models.DateTimeField()
    restored_at = models.DateTimeField(default=clock.now, editable=False)

    # When every external system had been queried.
    reconciled_at = models.DateTimeField(null=True)

    objects = RestorationQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        indexes = (models.Index(fields=("practice", "-id"), name="plumbing_restorations_newest"),)

    def __str__(self) -> str:
        return str(self.pk)
