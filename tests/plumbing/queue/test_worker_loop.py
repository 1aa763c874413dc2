"""The worker's loop: independent queues that survive a database outage and end together."""

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest
from django.db import OperationalError

from portico.plumbing.queue import worker_loop
from portico.plumbing.queue.worker_loop import Job, WorkerQueue
from tests.plumbing.sample_rows import a_practice

pytestmark = [pytest.mark.real_time, pytest.mark.django_db(transaction=True)]


def run(*lanes: WorkerQueue, until: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker_loop.run, args=(lanes, stop), kwargs={"pause": 0.01})
    thread.start()
    deadline = time.monotonic() + 30
    while not until() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_slow_queue_does_not_delay_the_other() -> None:
    done: list[str] = []
    slow_ended = threading.Event()

    def slow() -> bool:
        time.sleep(1)
        slow_ended.set()
        return True

    def quick() -> bool:
        if not slow_ended.is_set():
            done.append("quick")
            time.sleep(0.01)
        return True

    run(WorkerQueue("slow", [Job(slow)]), WorkerQueue("quick", [Job(quick)]), until=slow_ended.is_set)
    assert len(done) > 10


def test_current_jobs_finish_before_shutdown() -> None:
    began, ended = threading.Event(), threading.Event()

    def work() -> bool:
        began.set()
        time.sleep(0.5)
        ended.set()
        return True

    run(WorkerQueue("rest", [Job(work)]), until=began.is_set)
    assert ended.is_set()


def test_there_is_no_pause_while_there_is_work() -> None:
    left = list(range(500))

    def work() -> bool:
        if left:
            left.pop()
        return bool(left)

    stop = threading.Event()
    thread = threading.Thread(
        target=worker_loop.run, args=([WorkerQueue("rest", [Job(work)])], stop), kwargs={"pause": 0.2}
    )
    began = time.monotonic()
    thread.start()
    while left and time.monotonic() - began < 10:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert time.monotonic() - began < 5


def test_a_crashed_queue_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    def stumble() -> bool:
        raise LookupError("gone")

    with pytest.raises(SystemExit) as ended:
        worker_loop.run(
            [WorkerQueue("bad", [Job(stumble)]), WorkerQueue("good", [Job(lambda: False)])],
            threading.Event(),
            pause=0.01,
        )
    assert ended.value.code == 1
    (record,) = [record for record in caplog.records if record.message == "worker.queue_crashed"]
    assert record.exc_info is not None


def test_a_database_outage_is_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(worker_loop, "DATABASE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(worker_loop, "LOOK_AGAIN_SECONDS", 0.01)
    attempts: list[int] = []

    def work() -> bool:
        attempts.append(1)
        if len(attempts) <= 5:
            raise OperationalError("away")
        return False

    run(WorkerQueue("rest", [Job(work)]), until=lambda: len(attempts) > 6)
    told = [record.message for record in caplog.records if record.message.startswith("worker.")]
    assert told == ["worker.database_away", "worker.database_back"]


class Counted(Job):
    """A job without work, and how often its queue asked it to run."""

    def __init__(self) -> None:
        super().__init__(lambda: False)
        self.asked = 0

    def run(self, version: object) -> bool:
        self.asked += 1
        return super().run(version)


def test_a_queue_without_work_sleeps_until_the_data_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_loop, "data_version", lambda: 1)
    job = Counted()
    began = time.monotonic()
    run(WorkerQueue("rest", [job]), until=lambda: time.monotonic() > began + 0.5)
    # It does not wait out LOOK_AGAIN_SECONDS when the loop stops.
    assert time.monotonic() < began + 3
    assert job.asked <= 3
    monkeypatch.setattr(worker_loop, "data_version", count().__next__)
    run(WorkerQueue("rest", [job]), until=lambda: job.asked > 20)
    assert job.asked > 20


class Work:
    """Work with these results in turn; the last one is repeated."""

    def __init__(self, results: list[bool]) -> None:
        self.results = results
        self.runs = 0

    def __call__(self) -> bool:
        self.runs += 1
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


def test_a_job_without_work_waits_for_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work([True, False])
    job = Job(work)
    assert [job.run(1), job.run(1), job.run(1)] == [True, False, False]
    assert work.runs == 2
    job.run(2)
    assert work.runs == 3
    monkeypatch.setattr(worker_loop, "LOOK_AGAIN_SECONDS", 0.01)
    job.run(3)
    time.sleep(0.02)
    job.run(3)
    assert work.runs == 5


def test_a_job_pauses_between_two_runs() -> None:
    work = Work([True])
    job = Job(work, pause=0.1)
    assert [job.run(version) for version in range(3)] == [True, False, False]
    assert work.runs == 1
    time.sleep(0.11)
    assert job.run(3)


def test_a_pause_for_idle_jobs_follows_only_a_run_without_work() -> None:
    work = Work([True, False, True])
    job = Job(work, pause=0.1, only_when_idle=True)
    assert [job.run(version) for version in range(4)] == [True, False, False, False]
    assert work.runs == 2
    time.sleep(0.11)
    assert job.run(4)


def test_a_commit_of_another_connection_wakes_an_idle_job() -> None:
    work = Work([False])

    def committed() -> bool:
        if work.runs == 1:
            a_practice()
        return work.runs > 1

    began = time.monotonic()
    run(WorkerQueue("rest", [Job(work)]), until=committed)
    assert work.runs > 1
    assert time.monotonic() - began < worker_loop.LOOK_AGAIN_SECONDS


def test_work_of_the_queue_itself_wakes_its_other_jobs() -> None:
    idle = Work([False])
    began = time.monotonic()
    run(WorkerQueue("rest", [Job(idle), Job(Work([True, False]))]), until=lambda: idle.runs > 1)
    assert idle.runs > 1
    assert time.monotonic() - began < worker_loop.LOOK_AGAIN_SECONDS
