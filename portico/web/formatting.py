"""How times, names and addresses are written for people."""

import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from math import inf

from babel.dates import format_timedelta
from babel.numbers import get_currency_name
from django.utils.translation import gettext as _

from portico.plumbing.text import times

# The largest unit that fits is the one told. A month and a year are babel's own lengths.
UNITS: tuple[tuple[str, int], ...] = (
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def time_of_day(at: datetime, *, zone: tzinfo, language: str | None) -> str:
    """9:20 AM."""
    return times.time_of_day(at, zone, language)


def short_date(day: date, *, today: date, language: str | None) -> str:
    """Nov 20, with the year when it is another one."""
    if day.year != today.year:
        return long_date(day, language=language)
    return times.short_day(day, language)


def long_date(day: date, *, language: str | None) -> str:
    """Nov 20, 2026."""
    return times.full_day(day, language)


def date_and_time(at: datetime, *, now: datetime, zone: tzinfo, language: str | None) -> str:
    """Today, 9:20 AM. Yesterday, 7:55 PM. Nov 20, 2:14 PM. Other years carry their year."""
    time = time_of_day(at, zone=zone, language=language)
    day, today = times.day_of(at, zone), times.day_of(now, zone)
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
    """The same inside a sentence: "Signed in today, 9:20 AM"."""
    written = date_and_time(at, now=now, zone=zone, language=language)
    days_apart = (times.day_of(at, zone) - times.day_of(now, zone)).days
    # Only our own words lose their capital: the name of a month keeps the one its language gives it.
    return written[:1].lower() + written[1:] if abs(days_apart) <= 1 else written


def time_ago(at: datetime, *, now: datetime, language: str | None) -> str:
    """3 days ago. What lies ahead reads "in 3 days". Whole units only, never rounded up."""
    apart = at - now
    for unit, seconds in UNITS:
        if count := int(abs(apart).total_seconds()) // seconds:
            whole = timedelta(seconds=count * seconds) * (-1 if apart < timedelta() else 1)
            return format_timedelta(
                whole,
                granularity=unit,  # type: ignore[arg-type]  # a literal of babel's own, one by one
                threshold=inf,  # the unit is chosen here already; babel would tell 29 days as 4 weeks
                add_direction=True,
                locale=times.locale_of(language),
            )
    return _("just now")


def currency_name(currency: str, *, language: str | None) -> str:
    """US dollar (USD)."""
    name = get_currency_name(currency, count=1, locale=times.locale_of(language))
    return f"{name} ({currency})"


def initials(name: str) -> str:
    """FO for Fay Okafor. Titles ("Dr.") and degrees (", RD") do not count."""
    words = [word for word in name.partition(",")[0].split() if first_letter(word)]
    without_titles = [word for word in words if not (len(word) > 2 and word.endswith("."))]
    words = without_titles or words
    # A name of one word has one initial, a longer one its first and its last.
    return "".join(first_letter(word) for word in words[:1] + words[1:][-1:])


def first_letter(word: str) -> str:
    letters = (letter for letter in unicodedata.normalize("NFC", word) if letter.isalnum())
    # Some capitals are two letters (ß); one is enough.
    return next(letters, "").upper()[:1]


def masked(address: str) -> str:
    """j…n@gmail.com. A short local part shows its first letter only."""
    local, at_sign, domain = address.rpartition("@")
    if not at_sign or not local:
        return "…"
    last = local[-1] if len(local) > 2 else ""
    return f"{local[0]}…{last}@{domain}"
