"""Formats times and dates for people: times always in a zone that the caller passes."""

from datetime import date, datetime, tzinfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_gmt, get_timezone_name
from django.conf import settings

from portico.plumbing.text.formatting_locale import locale_of
from portico.plumbing.text.result_cache import cached

# CLDR's Spanish patterns omit "de" before a short month and have a comma after the weekday.
_SHORT_DAY = {"en": "MMM d", "es": "d 'de' MMM"}
_WEEKDAY_AND_DAY = {"en": "EEEE, MMM d", "es": "EEEE d 'de' MMMM"}


def day_of(at: datetime, zone: tzinfo) -> date:
    """Returns the date in the zone at that time."""
    return at.astimezone(zone).date()


@cached
def time_of_day(at: datetime, zone: tzinfo, language: str | None) -> str:
    """Returns 9:20 AM, in Spanish 9:20 a. m. with a no-break space before the m."""
    written = format_time(at, "short", tzinfo=zone, locale=locale_of(language))
    # CLDR puts a narrow no-break space before AM, which breaks searching for the text; "p. m." stays on one line.
    written = written.replace("\u202f", " ").replace("\xa0", " ")
    return written.replace(".m.", ".\N{NO-BREAK SPACE}m.")


@cached
def time_in_sentence(at: datetime, zone: tzinfo, language: str | None) -> str:
    """Returns 9:20 AM, as it follows "at"; in Spanish with its article: las 9:20 a. m., but la 1:20 p. m."""
    article = {"en": "", "es": "la " if at.astimezone(zone).hour in {1, 13} else "las "}
    return article[locale_of(language).language] + time_of_day(at, zone, language)


@cached
def time_with_zone(at: datetime, zone: tzinfo, language: str | None) -> str:
    """Returns 9:20 AM EST, as it follows "at", for readers who may be elsewhere."""
    return f"{time_in_sentence(at, zone, language)} {_zone_name(at.astimezone(zone), language)}"


@cached
def short_day(day: date, language: str | None) -> str:
    """Returns Nov 20, in Spanish 20 de nov."""
    locale = locale_of(language)
    return format_date(day, _SHORT_DAY[locale.language], locale=locale)


@cached
def full_day(day: date, language: str | None) -> str:
    """Returns Nov 20, 2026."""
    return format_date(day, "medium", locale=locale_of(language))


@cached
def long_day(day: date, language: str | None) -> str:
    """Returns November 20, 2026."""
    return format_date(day, "long", locale=locale_of(language))


@cached
def weekday_and_day(day: date, language: str | None) -> str:
    """Returns Monday, Nov 23, in Spanish lunes 23 de noviembre."""
    locale = locale_of(language)
    return format_date(day, _WEEKDAY_AND_DAY[locale.language], locale=locale)


@cached
def short_month(day: date, language: str | None) -> str:
    """Returns Nov."""
    return format_date(day, "LLL", locale=locale_of(language))


@cached
def full_month(day: date, language: str | None) -> str:
    """Returns November 2026."""
    return format_skeleton("yMMMM", day, locale=locale_of(language))


def _zone_name(local: datetime, language: str | None) -> str:
    """Returns the short name of the zone, from another language of ours if CLDR has none ("CET" in English).

    Without a name it returns the offset as GMT-08:00, since a bare -0800 after a time looks like a subtraction.
    """
    for locale in (locale_of(language), *map(Locale, dict(settings.LANGUAGES))):
        name = get_timezone_name(local, width="short", locale=locale)
        if name.isalpha():
            return name
    return get_timezone_gmt(local, locale=locale_of(language))
