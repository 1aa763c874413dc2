"""Retries an operation that the database rolled back because another transaction was in its way."""

from collections.abc import Callable
from functools import wraps

from django.db import IntegrityError, OperationalError, connection

# PostgreSQL's deadlock_detected, serialization_failure and unique_violation: two transactions insert the same row.
SQLSTATES = {"40P01", "40001", "23505"}


def retry_on_deadlock[**P, R](operation: Callable[P, R]) -> Callable[P, R]:
    """Decorates an operation that opens its own transaction: it is called again after a deadlock or duplicate row.

    Inside a caller's transaction the error is raised, since the caller's work was rolled back too.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except (OperationalError, IntegrityError) as error:
            if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in SQLSTATES:
                raise
        return operation(*args, **kwargs)

    return wrapper
