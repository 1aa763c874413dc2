"""When each chore is due; one row a chore, claimed like any queue row."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import Row, RowQuerySet


class ScheduledTask(Row):
    """A chore's next turn. Whoever moves `due_at` forward does it, so that several workers share the timetable."""

    name = models.CharField(max_length=50, unique=True)
    due_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
