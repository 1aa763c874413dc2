"""The schedule of recurring tasks, shared by all workers."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portico.domain.maintenance.models import ScheduledTask
from portico.plumbing import clock

logger = logging.getLogger(__name__)

# A worker that has not finished a task after this long has probably died.
STALLED_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Task:
    """A recurring task and its interval; `work` may return the number of rows it changed."""

    name: str
    every: timedelta
    work: Callable[[], int | None]


def create_missing(tasks: Sequence[Task]) -> None:
    """Adds missing tasks to the schedule; a new task is due at once."""
    known = set(ScheduledTask.objects.values_list("name", flat=True))
    new = [ScheduledTask(name=task.name) for task in tasks if task.name not in known]
    if new:
        ScheduledTask.objects.bulk_create(new, ignore_conflicts=True)


def run_next(tasks: Sequence[Task]) -> bool:
    """Runs the task that has been due longest. Returns False if none is due.

    `due_at` moves forward before the work begins: a task whose worker dies runs again at its next time, and a task
    that always fails does not fail in every round.
    """
    by_name = {task.name: task for task in tasks}
    now = clock.now()
    # All rows, one for each task: a condition that differs for each of them costs more to compile than they to read.
    rows = ScheduledTask.objects.order_by("due_at", "id")
    row = next((row for row in rows if row.name in by_name and _is_due(row, by_name[row.name], now=now)), None)
    if row is None:
        return False
    task = by_name[row.name]
    claimed = ScheduledTask.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=now + task.every)
    if not claimed:  # Another worker has claimed it.
        return True
    number = task.work()
    ScheduledTask.objects.filter(pk=row.pk).update(done_at=clock.now())
    logger.info("task.completed", extra={"task": task.name, "rows": number})
    return True


def make_due(task: Task) -> None:
    """Makes the task due now, so that a worker runs it within seconds. Idempotent."""
    now = clock.now()
    ScheduledTask.objects.update_or_create(name=task.name, defaults={"due_at": now}, create_defaults={"due_at": now})


def is_pending(task: Task) -> bool:
    """Returns True if the task is due, or a worker has been running it for less than STALLED_AFTER."""
    row = ScheduledTask.objects.filter(name=task.name).first()
    if row is None:
        return False
    if row.due_at <= clock.now():
        return True
    claimed_at = row.due_at - task.every
    is_done = row.done_at is not None and row.done_at >= claimed_at
    return not is_done and clock.is_within(claimed_at, STALLED_AFTER)


def _is_due(row: ScheduledTask, task: Task, *, now: datetime) -> bool:
    """Returns True for a due task.

    A task is also due if `due_at` is further ahead than its interval: it was set while the clock was ahead.
    """
    return row.due_at <= now or row.due_at > now + task.every + clock.SKEW
