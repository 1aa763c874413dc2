"""The schedule: tasks run when they are due, once among all workers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from time_machine import Traveller

from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.maintenance.schedule import Task
from portico.plumbing import clock

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Broom:
    """A task that counts its runs."""

    def __init__(self) -> None:
        self.swept = 0

    def sweep(self) -> int:
        self.swept += 1
        return self.swept


def hourly_task(broom: Broom, name: str = "sweep") -> Task:
    return Task(name, timedelta(hours=1), broom.sweep)


def test_a_new_task_runs_at_once_and_then_at_intervals(stopped_clock: Traveller) -> None:
    broom = Broom()
    chores = [hourly_task(broom)]
    schedule.create_missing(chores)
    assert [schedule.run_next(chores), schedule.run_next(chores), broom.swept] == [True, False, 1]
    stopped_clock.shift(timedelta(minutes=59))
    assert not schedule.run_next(chores)
    stopped_clock.shift(timedelta(minutes=1))
    assert [schedule.run_next(chores), broom.swept] == [True, 2]


def test_the_time_of_the_last_run_is_stored() -> None:
    chores = [hourly_task(Broom())]
    schedule.create_missing(chores)
    schedule.run_next(chores)
    turn = ScheduledTask.objects.get()
    assert (turn.done_at, turn.due_at) == (clock.now(), clock.now() + timedelta(hours=1))


def test_creating_missing_tasks_is_idempotent() -> None:
    chores = [hourly_task(Broom())]
    schedule.create_missing(chores)
    schedule.run_next(chores)
    schedule.create_missing([*chores, hourly_task(Broom(), "dust")])
    assert ScheduledTask.objects.get(name="sweep").due_at == clock.now() + timedelta(hours=1)
    assert ScheduledTask.objects.get(name="dust").due_at == clock.now()


def test_the_longest_due_task_runs_first(stopped_clock: Traveller) -> None:
    first, second = Broom(), Broom()
    schedule.create_missing([hourly_task(first)])
    stopped_clock.shift(timedelta(seconds=1))
    chores = [hourly_task(second, "dust"), hourly_task(first)]
    schedule.create_missing(chores)
    schedule.run_next(chores)
    assert (first.swept, second.swept) == (1, 0)


def test_a_failed_task_waits_for_its_next_interval() -> None:
    def stumble() -> None:
        raise LookupError("no broom")

    chores = [Task("sweep", timedelta(hours=1), stumble)]
    schedule.create_missing(chores)
    with pytest.raises(LookupError):
        schedule.run_next(chores)
    assert not schedule.run_next(chores)
    assert ScheduledTask.objects.get().done_at is None


@pytest.mark.real_time
@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_one_runs_the_task() -> None:
    broom = Broom()
    chores = [hourly_task(broom)]
    schedule.create_missing(chores)
    together = threading.Barrier(8)

    def work() -> None:
        together.wait(10)
        schedule.run_next(chores)
        connection.close()

    with ThreadPoolExecutor(8) as workers:
        for done in [workers.submit(work) for _ in range(8)]:
            done.result(20)
    assert broom.swept == 1
