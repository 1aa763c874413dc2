"""Retries an operation that the database rolled back because another transaction was in its way."""

import random
import time
from collections.abc import Callable
from functools import wraps

from django.db import IntegrityError, OperationalError, connection

# PostgreSQL's deadlock_detected, serialization_failure and unique_violation: two transactions insert the same row.
SQLSTATES = {"40P01", "40001", "23505"}


# The retry's own first lock can be the one that the other transaction is about to take: both would deadlock again. A
# pause of a random length, longer each time, lets one of them finish first.
RETRIES = 5
FIRST_PAUSE_SECONDS = 0.02


def retry_on_deadlock[**P, R](operation: Callable[P, R]) -> Callable[P, R]:
    """Decorates an operation that opens its own transaction: it is called again after a deadlock or duplicate row.

    Up to five times, after random pauses of at most 0.02, 0.04, … seconds (0.6 seconds in all). Inside a caller's
    transaction the error is raised, since the caller's work was rolled back too.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for retry in range(RETRIES):
            try:
                return operation(*args, **kwargs)
            except (OperationalError, IntegrityError) as error:
                if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in SQLSTATES:
                    raise
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**retry))  # noqa: S311
        return operation(*args, **kwargs)

    return wrapper
