"""Automatic reminders of documents that were queued."""

from django.db import models

from portico.domain.documents.models.requests import Packet
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class DocumentReminder(PracticeRow):
    """An automatic reminder of a packet, queued for one of the practice's reminder days; each day of a packet once."""

    packet = models.ForeignKey(Packet, models.PROTECT, related_name="reminders", db_index=False)
    # The day of the reminder: the day of sharing plus a number of days. The mail may be queued a day later.
    day = models.DateField()
    queued_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("packet", name="documents_documentreminder_packet"),
            models.UniqueConstraint(fields=("packet", "day"), name="documents_documentreminder_one_a_day"),
        )

    def __str__(self) -> str:
        return str(self.pk)
