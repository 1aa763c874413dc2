"""The one clock: every time that Portico stores or compares is asked here."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

# How far the clocks of two machines may be apart without harm.
SKEW = timedelta(seconds=60)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return timezone.now()


def today(zone: str) -> date:
    """The date on the wall in the zone of that name ("America/New_York")."""
    return now().astimezone(ZoneInfo(zone)).date()
