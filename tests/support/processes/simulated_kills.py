"""Simulates in the test's own process that it is killed during its work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

# The end of a transaction is not counted: the server rolls back however the client dies.
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK")
WRITING = ("INSERT", "UPDATE", "DELETE")


class Killed(BaseException):
    """Stands for SIGKILL: no `except Exception` catches it."""


@contextmanager
def killed_after(statements: int | None) -> Iterator[None]:
    """Raises Killed before the statement after this many; None: never.

    What is committed stays and the rest is rolled back, as if the process had been killed there.
    """
    left = statements

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # Any: Django's own.
        nonlocal left
        if left is not None and not sql.startswith(NOT_COUNTED):
            if left == 0:
                raise Killed
            left -= 1
        return execute(sql, *rest)

    try:
        with connection.execute_wrapper(count):
            yield
    except Killed:
        pass


@contextmanager
def watching_writes(note: Callable[[], None]) -> Iterator[None]:
    """Calls `note` at every statement that changes a row."""

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # Any: as above.
        if sql.startswith(WRITING):
            note()
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield
