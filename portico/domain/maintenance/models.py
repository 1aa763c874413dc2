"""Scheduled tasks: one row per task, with the time at which it is due."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import Row, RowQuerySet


class ScheduledTask(Row):
    """The next run of a task. The worker that moves `due_at` forward runs it, so that workers share the schedule."""

    name = models.CharField(max_length=50, unique=True)
    due_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
