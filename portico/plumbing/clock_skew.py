"""Whether this installation's clock is right, judged by a clock elsewhere."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from portico.plumbing import clock
from portico.plumbing.models.clock_skew import ClockDifference

logger = logging.getLogger(__name__)


def note(source: str, told: datetime) -> None:
    """Writes the difference down if the clocks disagree. Costs nothing while they agree.

    `told` is the other clock's time at this moment. A database that is away or busy does not raise: what the other
    side answered matters more.
    """
    ahead = clock.now() - told
    if abs(ahead) > clock.SKEW:
        logger.warning("clock.wrong", extra={"source": source, "ahead_seconds": int(ahead.total_seconds())})
        with suppress(DatabaseError, InterfaceError):
            _write(source, ahead)


def compare(source: str, told: datetime) -> None:
    """As `note`, but also forgets a difference that is gone."""
    if abs(clock.now() - told) > clock.SKEW:
        note(source, told)
    else:
        forget(source)


def forget(source: str) -> None:
    """Forgets the difference: it is gone, or can no longer be measured."""
    ClockDifference.objects.filter(source=source).delete()


def known(source: str) -> timedelta:
    """How far our clock is ahead, as last measured; negative when it is slow, zero when the clocks agree."""
    seconds = ClockDifference.objects.filter(source=source).values_list("ahead_seconds", flat=True).first()
    return timedelta(seconds=seconds or 0)


def _write(source: str, ahead: timedelta) -> None:
    row = ClockDifference(source=source, ahead_seconds=int(ahead.total_seconds()))
    ClockDifference.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["source"],
        update_fields=["ahead_seconds", "measured_at"],
    )
