"""The loop behind `portico worker`: one thread per queue, which runs one job after another."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from portico.plumbing.database.connections import data_version

logger = logging.getLogger(__name__)

DATABASE_RETRY_SECONDS = 1.0
# Time alone makes rows due, such as retries: without any change, each job looks again after this.
LOOK_AGAIN_SECONDS = 5.0


class Job:
    """Does one piece of work at each run. `work` returns False if there was none.

    A job without work runs again when the data have changed, or after LOOK_AGAIN_SECONDS. There are at least `pause`
    seconds between two runs; with `only_when_idle` they follow only a run without work.
    """

    def __init__(self, work: Callable[[], bool], *, pause: float = 0.0, only_when_idle: bool = False) -> None:
        self._work = work
        self._pause = pause
        self._only_when_idle = only_when_idle
        self._next_at = 0.0
        self._idle_version: object = None
        self._idle_until = 0.0

    def run(self, version: object) -> bool:
        """Runs the job unless it pauses or, in this version of the data, has no work. Returns True if it had some."""
        now = time.monotonic()
        if now < self._next_at or (version == self._idle_version and now < self._idle_until):
            return False
        had_work = self._work()
        if not had_work:
            self._idle_version, self._idle_until = version, now + LOOK_AGAIN_SECONDS
        if not (had_work and self._only_when_idle):
            self._next_at = now + self._pause
        return had_work

    def due_at(self, version: object) -> float:
        """Returns the time of the monotonic clock from which the job runs again in this version of the data."""
        return max(self._next_at, self._idle_until) if version == self._idle_version else self._next_at


@dataclass(frozen=True)
class WorkerQueue:
    """Jobs that run in turn, in a thread of their own."""

    name: str
    jobs: Sequence[Job]


def run(queues: Sequence[WorkerQueue], stop: threading.Event, *, pause: float = 0.2) -> None:
    """Runs the queues until `stop` is set, then finishes the current jobs.

    This thread reads the version of the data every `pause` seconds, for all queues, which wait for the next one. A
    queue that crashes stops the others, and the process exits with 1: a partly running worker would look healthy.
    """
    data = _WatchedData(stop)
    with ThreadPoolExecutor(max_workers=len(queues), thread_name_prefix="queue") as threads:
        running = {threads.submit(_work, queue, stop, data): queue for queue in queues}
        while not stop.is_set() and not any(future.done() for future in running):
            data.look()
            stop.wait(pause)
        stop.set()
        data.wake()
    connections.close_all()
    crashed = [(queue, future.exception()) for future, queue in running.items() if future.exception()]
    for queue, error in crashed:
        logger.critical("worker.queue_crashed", extra={"queue": queue.name}, exc_info=error)
    if crashed:
        sys.exit(1)


class _WatchedData:
    """The version of the data when it was last read, and a way to wait for the next one."""

    def __init__(self, stop: threading.Event) -> None:
        self.version: object = None
        self._stop = stop
        self._changed = threading.Condition()

    def look(self) -> None:
        """Reads the version and wakes the waiting threads if it has changed."""
        try:
            version = data_version()
        except (OperationalError, InterfaceError):
            connections.close_all()
            version = object()  # The queues find out for themselves that the database is away.
        if version != self.version:
            with self._changed:
                self.version = version
                self._changed.notify_all()

    def wake(self) -> None:
        """Wakes the waiting threads, for the loop to stop."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, version: object, *, until: float) -> None:
        """Returns when the data have another version, at `until` by the monotonic clock, or when the loop stops."""
        with self._changed:
            if version == self.version and not self._stop.is_set():
                self._changed.wait(max(0.0, until - time.monotonic()))


def _work(queue: WorkerQueue, stop: threading.Event, data: _WatchedData) -> None:
    is_unavailable = False
    try:
        while not stop.is_set():
            try:
                version = data.version
                did_something = _one_round(queue, version, stop)
            except (OperationalError, InterfaceError) as error:
                if not is_unavailable:
                    names = {"queue": queue.name, "error": type(error).__name__}
                    logger.warning("worker.database_away", extra=names)
                is_unavailable = True
                connections.close_all()
                stop.wait(DATABASE_RETRY_SECONDS)
                continue
            if is_unavailable:
                is_unavailable = False
                logger.info("worker.database_back", extra={"queue": queue.name})
            # Closes a connection that an error has broken.
            close_old_connections()
            if not did_something:
                data.wait(version, until=min(job.due_at(version) for job in queue.jobs))
    finally:
        connections.close_all()


def _one_round(queue: WorkerQueue, version: object, stop: threading.Event) -> bool:
    did_something = False
    for job in queue.jobs:
        if stop.is_set():
            break
        did_something = job.run(version) or did_something
    return did_something
