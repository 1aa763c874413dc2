"""The worker's loop: independent queues that survive a database outage and end together."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError

from portico.plumbing.queue import worker_loop
from portico.plumbing.queue.worker_loop import WorkerQueue

pytestmark = [pytest.mark.real_time, pytest.mark.django_db(transaction=True)]


def run(*lanes: WorkerQueue, until: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker_loop.run, args=(lanes, stop), kwargs={"pause": 0.01})
    thread.start()
    deadline = time.monotonic() + 10
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
        return False

    run(WorkerQueue("slow", [slow]), WorkerQueue("quick", [quick]), until=slow_ended.is_set)
    assert len(done) > 10


def test_current_jobs_finish_before_shutdown() -> None:
    began, ended = threading.Event(), threading.Event()

    def work() -> bool:
        began.set()
        time.sleep(0.5)
        ended.set()
        return True

    run(WorkerQueue("rest", [work]), until=began.is_set)
    assert ended.is_set()


def test_there_is_no_pause_while_there_is_work() -> None:
    left = list(range(500))

    def work() -> bool:
        if left:
            left.pop()
        return bool(left)

    stop = threading.Event()
    thread = threading.Thread(target=worker_loop.run, args=([WorkerQueue("rest", [work])], stop), kwargs={"pause": 0.2})
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
            [WorkerQueue("bad", [stumble]), WorkerQueue("good", [lambda: False])], threading.Event(), pause=0.01
        )
    assert ended.value.code == 1
    (record,) = [record for record in caplog.records if record.message == "worker.queue_crashed"]
    assert record.exc_info is not None


def test_a_database_outage_is_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(worker_loop, "DATABASE_RETRY_SECONDS", 0.01)
    attempts: list[int] = []

    def work() -> bool:
        attempts.append(1)
        if len(attempts) <= 5:
            raise OperationalError("away")
        return False

    run(WorkerQueue("rest", [work]), until=lambda: len(attempts) > 6)
    told = [record.message for record in caplog.records if record.message.startswith("worker.")]
    assert told == ["worker.database_away", "worker.database_back"]
