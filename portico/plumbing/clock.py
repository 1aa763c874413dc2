"""The one clock: every time that Portico stores or compares is asked here."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return timezone.now()


def today(zone: str) -> date:
    """The date on the wall in the zone of that name ("America/New_York")."""
    return now().astimezone(ZoneInfo(zone)).date()
