"""Clock skew: differences between this installation's clock and others, measured and stored."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from portico.plumbing import clock
from portico.plumbing.models.clock_skew import ClockDifference

logger = logging.getLogger(__name__)


def record(source: str, other_time: datetime) -> None:
    """Stores the difference if the clocks disagree. Uses no query while they agree.

    `other_time` is the other clock's current time. Database errors are ignored: the response that brought the time
    matters more.
    """
    ahead = clock.now() - other_time
    if abs(ahead) > clock.SKEW:
        logger.warning("clock.wrong", extra={"source": source, "ahead_seconds": int(ahead.total_seconds())})
        with suppress(DatabaseError, InterfaceError):
            _write(source, ahead)


def compare(source: str, other_time: datetime) -> None:
    """Stores the difference if the clocks disagree, else deletes the stored one."""
    if abs(clock.now() - other_time) > clock.SKEW:
        record(source, other_time)
    else:
        clear(source)


def clear(source: str) -> None:
    """Deletes the stored difference: it is gone, or can no longer be measured."""
    ClockDifference.objects.filter(source=source).delete()


def known_difference(source: str) -> timedelta:
    """Returns how far our clock is ahead, as last measured; negative if it is slow, zero if the clocks agree."""
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
