"""The timetable of chores, shared by all workers: whoever moves a turn forward does it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from portico.domain.maintenance.models import ScheduledTask
from portico.plumbing import clock

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """Something to be done every so often; `work` may say how many rows it was about."""

    name: str
    every: timedelta
    work: Callable[[], int | None]


def create_missing(chores: Sequence[Task]) -> None:
    """Puts the chores on the timetable, those at least that are not on it; a new one is due at once."""
    known = set(ScheduledTask.objects.values_list("name", flat=True))
    new = [ScheduledTask(name=chore.name) for chore in chores if chore.name not in known]
    if new:
        ScheduledTask.objects.bulk_create(new, ignore_conflicts=True)


def run_next(chores: Sequence[Task]) -> bool:
    """Does the chore that has been due longest; False when none is.

    The turn moves on before the work begins: a worker that dies over it leaves it to the next turn, and a chore
    that always fails does not fail in every round.
    """
    by_name = {chore.name: chore for chore in chores}
    now = clock.now()
    turn = ScheduledTask.objects.filter(_due(chores)).order_by("due_at", "id").first()
    if turn is None:
        return False
    chore = by_name[turn.name]
    mine = ScheduledTask.objects.filter(pk=turn.pk, due_at=turn.due_at).update(due_at=now + chore.every)
    if not mine:  # Another worker was quicker.
        return True
    rows = chore.work()
    ScheduledTask.objects.filter(pk=turn.pk).update(done_at=clock.now())
    logger.info("chore.done", extra={"chore": chore.name, "rows": rows})
    return True


def _due(chores: Sequence[Task]) -> Q:
    """Those whose turn has come. A turn further ahead than the chore's own pace was set while the clock was ahead."""
    is_due = Q(name__in=[chore.name for chore in chores], due_at__lte=clock.now())
    for chore in chores:
        is_due |= Q(name=chore.name) & clock.from_future("due_at", beyond=chore.every)
    return is_due
