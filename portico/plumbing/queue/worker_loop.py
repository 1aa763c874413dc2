"""The loop behind `portico worker`: one thread per queue, which runs one job after another."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, close_old_connections, connections

logger = logging.getLogger(__name__)

DATABASE_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class WorkerQueue:
    """Jobs run in turn. A job does one piece of work and returns False if there was none."""

    name: str
    jobs: Sequence[Callable[[], bool]]


def run(queues: Sequence[WorkerQueue], stop: threading.Event, *, pause: float = 0.2) -> None:
    """Runs the queues until `stop` is set, then finishes the current jobs.

    A queue that crashes stops the others, and the process exits with 1: a partly running worker would look healthy.
    """
    with ThreadPoolExecutor(max_workers=len(queues), thread_name_prefix="queue") as threads:
        running = {threads.submit(_work, queue, stop, pause): queue for queue in queues}
        wait(running, return_when=FIRST_EXCEPTION)
        stop.set()
    crashed = [(queue, future.exception()) for future, queue in running.items() if future.exception()]
    for queue, error in crashed:
        logger.critical("worker.queue_crashed", extra={"queue": queue.name}, exc_info=error)
    if crashed:
        sys.exit(1)


def _work(queue: WorkerQueue, stop: threading.Event, pause: float) -> None:
    is_unavailable = False
    try:
        while not stop.is_set():
            try:
                did_something = _one_round(queue, stop)
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
            # Returns a pooled connection, and closes a broken one.
            close_old_connections()
            if not did_something:
                stop.wait(pause)
    finally:
        connections.close_all()


def _one_round(queue: WorkerQueue, stop: threading.Event) -> bool:
    did_something = False
    for job in queue.jobs:
        if stop.is_set():
            break
        did_something = job() or did_something
    return did_something
