"""The clock: the source of every time that Portico stores or compares."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

# The difference tolerated between the clocks of two machines.
SKEW = timedelta(seconds=60)


def now() -> datetime:
    """Returns the current time, aware, in UTC."""
    return timezone.now()


def today(zone: str) -> date:
    """Returns the current date in the named time zone ("America/New_York")."""
    return now().astimezone(ZoneInfo(zone)).date()


def hour(zone: str) -> int:
    """Returns the current hour in the named time zone, 0 to 23."""
    return now().astimezone(ZoneInfo(zone)).hour


def is_from_future(at: datetime) -> bool:
    """Returns True for a time stored while the clock was ahead; such a time is ignored."""
    return at > now() + SKEW


def is_within(began_at: datetime, lifetime: timedelta, *, at: datetime | None = None) -> bool:
    """Returns True if the lifetime has not ended (at `at`, by default now). False for a start in the future."""
    present = at or now()
    return present - lifetime < began_at <= present + SKEW


def within(field: str, lifetime: timedelta) -> Q:
    """Returns the condition for rows whose field passes `is_within`."""
    present = now()
    return Q(**{f"{field}__gt": present - lifetime, f"{field}__lte": present + SKEW})


def not_within(field: str, lifetime: timedelta) -> Q:
    """Returns the condition for rows whose field is not null and does not pass `is_within`."""
    present = now()
    return Q(**{f"{field}__lte": present - lifetime}) | Q(**{f"{field}__gt": present + SKEW})


def from_future(field: str, *, beyond: timedelta = timedelta()) -> Q:
    """Returns the condition for rows whose field is further ahead than `beyond`, the most this field is ever set to."""
    return Q(**{f"{field}__gt": now() + beyond + SKEW})
