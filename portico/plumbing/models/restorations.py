"""That a practice's data came back from a backup: what happened between the two times is not known here."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet


class RestorationQuerySet(RowQuerySet["Restoration"]):
    def unreconciled(self) -> "RestorationQuerySet":
        return self.filter(reconciled_at=None)


class Restoration(PracticeRow):
    """One restore. Whoever keeps books elsewhere as well (a card processor) is asked about the time between."""

    # What the copy holds ends here, or a little later: never earlier than this is anything missing.
    backup_made_at = models.DateTimeField()
    restored_at = models.DateTimeField(default=clock.now, editable=False)

    # When every book that is kept elsewhere had been asked.
    reconciled_at = models.DateTimeField(null=True)

    objects = RestorationQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        indexes = (models.Index(fields=("practice", "-id"), name="plumbing_restorations_newest"),)

    def __str__(self) -> str:
        return str(self.pk)
