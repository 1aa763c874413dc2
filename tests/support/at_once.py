"""Runs several functions at the same moment, each in a thread with its own database connection."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections

# The number of threads in most tests: a process has eight connections, and the test itself holds one.
HANDS = 6


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
