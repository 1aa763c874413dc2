"""The loop behind `portico worker`: lanes, a thread each, that take up one piece of work after another."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, close_old_connections, connections

logger = logging.getLogger(__name__)

DATABASE_AWAY_SECONDS = 1.0


@dataclass(frozen=True)
class WorkerQueue:
    """Jobs done in turn. A job does one piece of work and says whether there was any."""

    name: str
    jobs: Sequence[Callable[[], bool]]


def run(lanes: Sequence[WorkerQueue], stop: threading.Event, *, pause: float = 0.2) -> None:
    """Works until `stop` is set, then finishes what is at hand.

    A lane that dies ends them all and the process with exit 1: half a worker would look like a whole one.
    """
    with ThreadPoolExecutor(max_workers=len(lanes), thread_name_prefix="lane") as threads:
        working = {threads.submit(_work, lane, stop, pause): lane for lane in lanes}
        wait(working, return_when=FIRST_EXCEPTION)
        stop.set()
    dead = [(lane, future.exception()) for future, lane in working.items() if future.exception()]
    for lane, reason in dead:
        logger.critical("worker.lane_died", extra={"lane": lane.name}, exc_info=reason)
    if dead:
        sys.exit(1)


def _work(lane: WorkerQueue, stop: threading.Event, pause: float) -> None:
    is_away = False
    try:
        while not stop.is_set():
            try:
                did_something = _one_round(lane, stop)
            except (OperationalError, InterfaceError) as error:
                if not is_away:
                    names = {"lane": lane.name, "error": type(error).__name__}
                    logger.warning("worker.database_away", extra=names)
                is_away = True
                connections.close_all()
                stop.wait(DATABASE_AWAY_SECONDS)
                continue
            if is_away:
                is_away = False
                logger.info("worker.database_back", extra={"lane": lane.name})
            # A pooled connection goes back, and one that broke is not used again.
            close_old_connections()
            if not did_something:
                stop.wait(pause)
    finally:
        connections.close_all()


def _one_round(lane: WorkerQueue, stop: threading.Event) -> bool:
    did_something = False
    for job in lane.jobs:
        if stop.is_set():
            break
        did_something = job() or did_something
    return did_something
