"""The clock: times in UTC, dates in the practice's time zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from portico.plumbing import clock


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", date(2026, 3, 1)), ("America/New_York", date(2026, 2, 28)), ("Pacific/Auckland", date(2026, 3, 1))],
)
def test_today_is_the_local_date(zone: str, day: date) -> None:
    with time_machine.travel(datetime(2026, 3, 1, 2, 0, tzinfo=UTC), tick=False):
        assert clock.today(zone) == day
