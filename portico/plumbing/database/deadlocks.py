"""Tries an operation once more when the database ended it to break a deadlock."""

from collections.abc import Callable
from functools import wraps

from django.db import OperationalError, connection

# PostgreSQL's names for "another transaction was in the way": deadlock_detected, serialization_failure.
SQLSTATES = {"40P01", "40001"}


def retry_on_deadlock[**P, R](operation: Callable[P, R]) -> Callable[P, R]:
    """For operations that open their own transaction: what was rolled back as a whole may be done again.

    Inside a caller's transaction the error goes on, since the caller's work is gone too.
    """

    @wraps(operation)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except OperationalError as error:
            if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in SQLSTATES:
                raise
        return operation(*args, **kwargs)

    return tried
