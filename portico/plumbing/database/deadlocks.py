"""Retries an operation that the database rolled back to resolve a deadlock."""

from collections.abc import Callable
from functools import wraps

from django.db import OperationalError, connection

# PostgreSQL's deadlock_detected and serialization_failure.
SQLSTATES = {"40P01", "40001"}


def retry_on_deadlock[**P, R](operation: Callable[P, R]) -> Callable[P, R]:
    """Decorates an operation that opens its own transaction: it is called a second time after a deadlock.

    Inside a caller's transaction the error is raised, since the caller's work was rolled back too.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except OperationalError as error:
            if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in SQLSTATES:
                raise
        return operation(*args, **kwargs)

    return wrapper
