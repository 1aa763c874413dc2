"""That a practice's data came back from a backup: what happened between the two times is not known here."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.rows import PracticeRow, RowQuerySet


class Restoration(PracticeRow):
    """One restore. Whoever keeps books elsewhere as well (a card processor) is asked about the time between."""

    # What the copy holds ends here, or a little later: never earlier than this is anything missing.
    backup_made_at = models.DateTimeField()
    restored_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        indexes = (models.Index(fields=("practice", "-id"), name="plumbing_restorations_newest"),)

    def __str__(self) -> str:
        return str(self.pk)
