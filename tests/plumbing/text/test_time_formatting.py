"""Times: in the given zone, in mails with the zone's short name."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from portico.plumbing.text import time_formatting

WINTER = datetime(2026, 1, 15, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "english", "spanish"),
    [
        ("America/New_York", "1:05 PM EST", "la 1:05 p.\N{NO-BREAK SPACE}m. EST"),
        ("America/Los_Angeles", "10:05 AM PST", "las 10:05 a.\N{NO-BREAK SPACE}m. PST"),
        ("Europe/Madrid", "7:05 PM CET", "las 7:05 p.\N{NO-BREAK SPACE}m. CET"),
        ("America/Sao_Paulo", "3:05 PM GMT-03:00", "las 3:05 p.\N{NO-BREAK SPACE}m. GMT-03:00"),
        ("UTC", "6:05 PM UTC", "las 6:05 p.\N{NO-BREAK SPACE}m. UTC"),
    ],
)
def test_zone_names_are_short_and_not_bare_numbers(zone: str, english: str, spanish: str) -> None:
    assert time_formatting.time_with_zone(WINTER, ZoneInfo(zone), "en") == english
    assert time_formatting.time_with_zone(WINTER, ZoneInfo(zone), "es") == spanish


@pytest.mark.parametrize(
    ("hour", "spanish"),
    [
        (0, "las 12:05 a.\N{NO-BREAK SPACE}m."),
        (1, "la 1:05 a.\N{NO-BREAK SPACE}m."),
        (2, "las 2:05 a.\N{NO-BREAK SPACE}m."),
        (12, "las 12:05 p.\N{NO-BREAK SPACE}m."),
        (13, "la 1:05 p.\N{NO-BREAK SPACE}m."),
    ],
)
def test_one_oclock_has_the_singular_article_in_spanish(hour: int, spanish: str) -> None:
    at = datetime(2026, 1, 15, hour, 5, tzinfo=UTC)
    assert time_formatting.time_in_sentence(at, ZoneInfo("UTC"), "es-US") == spanish
    assert not time_formatting.time_in_sentence(at, ZoneInfo("UTC"), "en").startswith("l")


@pytest.mark.parametrize(
    ("zone", "day"), [("America/New_York", 14), ("America/Sao_Paulo", 14), ("Pacific/Auckland", 15), ("UTC", 15)]
)
def test_the_day_is_the_local_one(zone: str, day: int) -> None:
    late = datetime(2026, 1, 15, 2, 57, tzinfo=UTC)
    assert time_formatting.day_of(late, ZoneInfo(zone)) == date(2026, 1, day)


def test_days_and_months_are_translated() -> None:
    day = date(2026, 11, 23)
    assert [time_formatting.short_day(day, "en"), time_formatting.short_day(day, "es")] == [
        "Nov 23",
        "23 de nov",
    ]
    assert [time_formatting.full_day(day, "en"), time_formatting.full_day(day, "es")] == [
        "Nov 23, 2026",
        "23 nov 2026",
    ]
    assert [time_formatting.long_day(day, "en"), time_formatting.long_day(day, "es")] == [
        "November 23, 2026",
        "23 de noviembre de 2026",
    ]
    assert [time_formatting.weekday_and_day(day, "en"), time_formatting.weekday_and_day(day, "es")] == [
        "Monday, Nov 23",
        "lunes 23 de noviembre",
    ]
    assert [time_formatting.short_month(day, "en"), time_formatting.full_month(day, "en")] == [
        "Nov",
        "November 2026",
    ]
