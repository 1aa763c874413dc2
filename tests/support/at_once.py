"""Runs several functions at the same moment, each in a thread with its own database connection."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection, connections, transaction

# The number of threads in most tests: a process has eight connections, and the test itself holds one.
HANDS = 6


# How many connections to this database wait for a lock. Those of tests beside this one have other databases.
WAITING = """
    SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""


def errors(results: Sequence[object]) -> list[type]:
    """Returns the types of the errors among the results."""
    return [type(each) for each in results if isinstance(each, Exception)]


def at_once[R](*works: Callable[[], R]) -> list[R | Exception]:
    """Starts all functions together; returns the result or error of each, in their order."""
    start = Barrier(len(works))

    def run(work: Callable[[], R]) -> R | Exception:
        start.wait(30)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def second_waits[R](first: Callable[[], R], second: Callable[[], R]) -> list[R | Exception]:
    """Runs `first` in a transaction that is committed when `second` waits for it; returns both results or errors.

    On PostgreSQL only. `second` must open its own transaction, and begins after `first` has done its work.
    """
    is_held = Event()

    def hold() -> R:
        with transaction.atomic():
            result = first()
            is_held.set()
            wait_until_another_waits()
        return result

    def follow() -> R:
        assert is_held.wait(30)
        return second()

    return at_once(hold, follow)


def wait_until_another_waits() -> None:
    """Waits until another transaction waits for a lock, on PostgreSQL."""
    until = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("Nothing waited.")
