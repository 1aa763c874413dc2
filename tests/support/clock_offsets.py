"""Offsets of a wrong clock, drawn at random: minutes, days and years."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from time_machine import Traveller

from tests.support.clock import NOW
from tests.support.database import databases

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)


def _between(shortest: timedelta, longest: timedelta) -> st.SearchStrategy[timedelta]:
    return st.integers(shortest // _SECOND, longest // _SECOND).map(lambda seconds: seconds * _SECOND)


# Each is longer than the difference that is tolerated between two machines.
OFFSETS = {
    "minutes": _between(timedelta(seconds=62), timedelta(hours=1)),
    "days": _between(_DAY, 60 * _DAY),
    "years": _between(365 * _DAY, 3650 * _DAY),
}
EACH_SCALE = pytest.mark.parametrize("offsets", OFFSETS.values(), ids=OFFSETS)
# The shortest offset of each scale, with --whole also one at random, the same in every run; with a database that
# `one_example` restores.
A_FEW = settings(
    max_examples=2 if databases.is_whole() else 1,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def one_example(stopped_clock: Traveller) -> Iterator[None]:
    """Undoes what the block changed in the database, and sets the clock right again.

    A savepoint and not an atomic block, in which no transaction of our own could begin.
    """
    before = transaction.savepoint_create()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)
        stopped_clock.move_to(NOW)
