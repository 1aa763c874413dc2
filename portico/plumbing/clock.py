"""The one clock: every time that Portico stores or compares is asked here."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

# How far the clocks of two machines may be apart without harm.
SKEW = timedelta(seconds=60)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return timezone.now()


def today(zone: str) -> date:
    """The date on the wall in the zone of that name ("America/New_York")."""
    return now().astimezone(ZoneInfo(zone)).date()


def is_from_future(at: datetime) -> bool:
    """Whether the time was written while the clock was ahead: such a time counts for nothing."""
    return at > now() + SKEW


def is_within(began_at: datetime, lifetime: timedelta, *, at: datetime | None = None) -> bool:
    """Whether something that began then still lasts (`at` that moment). Something from the future does not."""
    present = at or now()
    return present - lifetime < began_at <= present + SKEW


def within(field: str, lifetime: timedelta) -> Q:
    """The rows whose field passes `is_within`."""
    present = now()
    return Q(**{f"{field}__gt": present - lifetime, f"{field}__lte": present + SKEW})


def not_within(field: str, lifetime: timedelta) -> Q:
    """The rows whose field holds a time that does not pass `is_within`."""
    present = now()
    return Q(**{f"{field}__lte": present - lifetime}) | Q(**{f"{field}__gt": present + SKEW})


def from_future(field: str, *, beyond: timedelta = timedelta()) -> Q:
    """The rows whose field lies further ahead than `beyond`, the furthest that this field is ever set ahead."""
    return Q(**{f"{field}__gt": now() + beyond + SKEW})
