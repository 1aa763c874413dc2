"""Stored differences between this installation's clock and others."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import Row, RowQuerySet


class ClockDifference(Row):
    """One row for each other clock that disagrees with ours; deleted once they agree."""

    source = models.CharField(max_length=20, unique=True)
    # Negative when our clock is slow.
    ahead_seconds = models.BigIntegerField()
    measured_at = models.DateTimeField(default=clock.now)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.source}: {self.ahead_seconds} s"
