"""Formats times, names and email addresses for display."""

import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from math import inf

from babel.dates import format_timedelta
from babel.numbers import format_decimal, get_currency_name
from django.utils.translation import gettext as _

from portico.plumbing.text import time_formatting
from portico.plumbing.text.formatting_locale import locale_of

# Seconds. The largest unit that fits is shown. Month and year have babel's lengths.
UNITS: tuple[tuple[str, int], ...] = (
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def time_of_day(at: datetime, *, zone: tzinfo, language: str | None) -> str:
    """Returns "9:20 AM"."""
    return time_formatting.time_of_day(at, zone, language)


def short_date(day: date, *, today: date, language: str | None) -> str:
    """Returns "Nov 20", with the year if it is not this year."""
    if day.year != today.year:
        return long_date(day, language=language)
    return time_formatting.short_day(day, language)


def file_size(size: int, *, language: str | None) -> str:
    """Returns "850 KB" or "2.4 MB" for a size in bytes."""
    if size < 1_000_000:
        return f"{max(round(size / 1000), 1)} KB"
    return f"{format_decimal(round(size / 1_000_000, 1), locale=locale_of(language))} MB"


def long_date(day: date, *, language: str | None) -> str:
    """Returns "Nov 20, 2026"."""
    return time_formatting.full_day(day, language)


def date_and_time(at: datetime, *, now: datetime, zone: tzinfo, language: str | None) -> str:
    """Returns "Today, 9:20 AM", "Yesterday, 7:55 PM" or "Nov 20, 2:14 PM", with the year if it is not this year."""
    time = time_of_day(at, zone=zone, language=language)
    day, today = time_formatting.day_of(at, zone), time_formatting.day_of(now, zone)
    match (day - today).days:
        case 0:
            return _("Today, %(time)s") % {"time": time}
        case -1:
            return _("Yesterday, %(time)s") % {"time": time}
        case 1:
            return _("Tomorrow, %(time)s") % {"time": time}
        case _:
            return f"{short_date(day, today=today, language=language)}, {time}"


def date_and_time_in_sentence(at: datetime, *, now: datetime, zone: tzinfo, language: str | None) -> str:
    """Returns the same for use inside a sentence: "today, 9:20 AM"."""
    text = date_and_time(at, now=now, zone=zone, language=language)
    days_apart = (time_formatting.day_of(at, zone) - time_formatting.day_of(now, zone)).days
    # Month names keep the capital that their language gives them.
    return text[:1].lower() + text[1:] if abs(days_apart) <= 1 else text


def time_ago(at: datetime, *, now: datetime, language: str | None) -> str:
    """Returns "3 days ago", or "in 3 days" for a time in the future. Whole units, rounded down."""
    difference = at - now
    for unit, seconds in UNITS:
        if count := int(abs(difference).total_seconds()) // seconds:
            whole = timedelta(seconds=count * seconds) * (-1 if difference < timedelta() else 1)
            return format_timedelta(
                whole,
                granularity=unit,  # type: ignore[arg-type]  # Babel declares a Literal of unit names.
                threshold=inf,  # The unit is already chosen; babel would format 29 days as 4 weeks.
                add_direction=True,
                locale=locale_of(language),
            )
    return _("just now")


def currency_name(currency: str, *, language: str | None) -> str:
    """Returns "US dollar (USD)"."""
    name = get_currency_name(currency, count=1, locale=locale_of(language))
    return f"{name} ({currency})"


def initials(name: str) -> str:
    """Returns "FO" for "Fay Okafor". Ignores titles ("Dr.") and degrees (", RD")."""
    words = [word for word in name.partition(",")[0].split() if first_letter(word)]
    without_titles = [word for word in words if not (len(word) > 2 and word.endswith("."))]
    words = without_titles or words
    # The first and the last word, or the only one.
    return "".join(first_letter(word) for word in words[:1] + words[1:][-1:])


def first_letter(word: str) -> str:
    letters = (letter for letter in unicodedata.normalize("NFC", word) if letter.isalnum())
    # Some letters have a capital of two letters (ß).
    return next(letters, "").upper()[:1]


def masked(address: str) -> str:
    """Returns "j…n@gmail.com". A local part of one or two letters shows only the first."""
    local, at_sign, domain = address.rpartition("@")
    if not at_sign or not local:
        return "…"
    last = local[-1] if len(local) > 2 else ""
    return f"{local[0]}…{last}@{domain}"
