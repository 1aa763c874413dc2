"""Formatting of times, names and addresses."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from portico.web import formatting

NEW_YORK = ZoneInfo("America/New_York")
# A Monday, 9:41 in the morning in New York.
NOW = datetime(2026, 11, 23, 14, 41, tzinfo=UTC)


def local(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=NEW_YORK)  # type: ignore[arg-type,misc]  # year, month, day, hour, minute


def when(at: datetime, language: str = "en") -> str:
    return formatting.date_and_time(at, now=NOW, zone=NEW_YORK, language=language)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (local(2026, 11, 23, 9, 20), "Today, 9:20 AM"),
        (local(2026, 11, 22, 19, 55), "Yesterday, 7:55 PM"),
        (local(2026, 11, 24, 9, 41), "Tomorrow, 9:41 AM"),
        (local(2026, 11, 20, 14, 14), "Nov 20, 2:14 PM"),
        (local(2025, 8, 30, 8, 5), "Aug 30, 2025, 8:05 AM"),
    ],
)
def test_date_and_time(at: datetime, written: str) -> None:
    assert when(at) == written


def test_today_is_in_the_given_zone() -> None:
    late = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
    assert formatting.date_and_time(late, now=NOW, zone=NEW_YORK, language="en") == "Today, 11:30 PM"
    assert formatting.date_and_time(late, now=NOW, zone=UTC, language="en") == "Tomorrow, 4:30 AM"


def test_times_contain_only_plain_spaces() -> None:
    assert when(local(2026, 11, 20, 14, 14)).isascii()


def test_month_names_keep_their_capital_in_a_sentence() -> None:
    def within(at: datetime) -> str:
        return formatting.date_and_time_in_sentence(at, now=NOW, zone=NEW_YORK, language="en")

    assert within(local(2026, 11, 23, 9, 20)) == "today, 9:20 AM"
    assert within(local(2026, 11, 20, 14, 14)) == "Nov 20, 2:14 PM"


def test_date_and_time_is_translated() -> None:
    assert when(local(2026, 11, 20, 14, 14), language="es") == "20 de nov, 2:14 p.\N{NO-BREAK SPACE}m."
    with translation.override("es"):
        assert when(local(2026, 11, 23, 8, 5), language="es") == "Hoy, 8:05 a.\N{NO-BREAK SPACE}m."
        assert when(local(2026, 11, 22, 8, 5), language="es") == "Ayer, 8:05 a.\N{NO-BREAK SPACE}m."


def test_language_with_a_country_is_accepted() -> None:
    assert formatting.long_date(date(2026, 11, 20), language="en-us") == "Nov 20, 2026"
    assert formatting.long_date(date(2026, 11, 20), language=None) == "Nov 20, 2026"


def test_this_years_dates_omit_the_year() -> None:
    assert formatting.short_date(date(2026, 11, 20), today=NOW.date(), language="en") == "Nov 20"
    assert formatting.short_date(date(2025, 11, 20), today=NOW.date(), language="en") == "Nov 20, 2025"


@pytest.mark.parametrize(
    ("apart", "written"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=22, seconds=59), "22 minutes ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=3, hours=23), "3 days ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=61), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (-timedelta(hours=72, minutes=5), "in 3 days"),
    ],
)
def test_time_ago_is_rounded_down_to_whole_units(apart: timedelta, written: str) -> None:
    assert formatting.time_ago(NOW - apart, now=NOW, language="en") == written


def test_time_ago_is_translated() -> None:
    with translation.override("es"):
        assert formatting.time_ago(NOW - timedelta(days=3), now=NOW, language="es") == "hace 3 días"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Fay Okafor", "FO"),
        ("Dr. Naomi Elm", "NE"),
        ("Sam Reyes, RD", "SR"),
        ("Ana María de la Cruz", "AC"),
        ("j. r. hill", "JH"),
        ("Madonna", "M"),
        ("élodie ßtein", "ÉS"),
        ("“Bo” O’Neil", "BO"),
        ("Dr.", "D"),
        ("…", ""),
        ("", ""),
    ],
)
def test_initials_ignore_titles_and_degrees(name: str, letters: str) -> None:
    assert formatting.initials(name) == letters


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("jordan@gmail.com", "j…n@gmail.com"),
        ("jo@gmail.com", "j…@gmail.com"),
        ("j@gmail.com", "j…@gmail.com"),
        ("not an address", "…"),
        ("@gmail.com", "…"),
    ],
)
def test_masked_address(address: str, written: str) -> None:
    assert formatting.masked(address) == written
