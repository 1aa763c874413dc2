"""Several hands at the same moment, each in a thread with a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections

# A process has eight connections, and the test itself holds one.
HANDS = 6


def errors(results: Sequence[object]) -> list[type]:
    """The errors among what they ended with."""
    return [type(each) for each in results if isinstance(each, Exception)]


def at_once[R](*works: Callable[[], R]) -> list[R | Exception]:
    """What each gave, or the error that it ended with, in the order of the works. They begin together."""
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
