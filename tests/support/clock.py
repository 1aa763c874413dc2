"""A stopped clock for every test, except those with real processes or in real time."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

# A Monday, 9:20 in the morning in Los Angeles, 12:20 in New York.
NOW = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)
RUNNING = ("browser", "real_processes", "real_time")


@pytest.fixture(autouse=True)
def stopped_clock(request: pytest.FixtureRequest) -> Iterator[time_machine.Traveller | None]:
    """Stops the clock: `stopped_clock.shift(timedelta(hours=1))` moves it. None where it runs."""
    if any(request.node.get_closest_marker(marker) for marker in RUNNING):
        yield None
        return
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
