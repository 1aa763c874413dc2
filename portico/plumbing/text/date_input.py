"""Dates as people type them, in the day and month order of their country."""

import re
from collections.abc import Iterator
from datetime import date

from django.utils.translation import gettext as _

from portico.plumbing.refusals import Refused
from portico.plumbing.text.folding import folded

# Years outside this range are typing errors.
FIRST_YEAR, LAST_YEAR = 1800, 2199
_EXAMPLE = date(1989, 4, 18)

# The United States and its territories, the Philippines, and countries where the year comes first (CLDR's short
# dates): without a year the month is first there too. Canada uses both orders; this is its neighbor's.
_MONTH_FIRST = "US AS GU MP PR VI UM FM MH PW PH CA CN JP KP KR MN TW HU"
_MONTHS = (
    "january february march april may june july august september october november december",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
_SHORTEST_MONTH = 3
_FILLERS = {"of", "the", "de", "del"}
_TYPED = re.compile(r"[\w\s/.,'-]+")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|o)\b")
# The lengths of the three parts of a date without separators: 040788, 4071988, 04071988.
_PART_LENGTHS = {6: ((2, 2, 2), (1, 1, 4)), 7: ((1, 2, 4), (2, 1, 4)), 8: ((2, 2, 4), (4, 2, 2))}


class NotADate(Refused):
    """The typed text is not a date, or is ambiguous."""

    status = 422


def has_month_first(country: str) -> bool:
    """Returns True if the country (ISO 3166, "US") writes the month before the day."""
    return country in _MONTH_FIRST.split()


def written(day: date, country: str) -> str:
    """Returns 04/18/1989, or 18/04/1989 where the day comes first; `parsed` accepts it."""
    first, second = (day.month, day.day) if has_month_first(country) else (day.day, day.month)
    return f"{first:02}/{second:02}/{day.year:04}"


def pattern(country: str) -> str:
    """Returns the pattern of the country for a form: MM/DD/YYYY."""
    return _("MM/DD/YYYY") if has_month_first(country) else _("DD/MM/YYYY")


def parsed(text: str, *, country: str, today: date, is_past: bool = False) -> date:
    """Returns a typed date: 4/7/1988, 4-7-88, 04071988, Apr 7 1988, 7 de abril de 1988 or 1988-04-07.

    A year of two digits is the one nearest to today, or with `is_past` the latest that is not in the future.
    Raises NotADate, with an example, for text that is not a date and for ambiguous digits.
    """
    plain = _ORDINAL.sub("", folded(text).replace("⁄", "/").replace("∕", "/"))
    parts = [part for part in re.findall(r"\d+|[^\W\d_]+", plain) if part not in _FILLERS]
    if _TYPED.fullmatch(plain) is None:
        parts = []
    readings = list(_readings(parts, month_first=has_month_first(country)))
    if not readings:
        raise NotADate(_("Enter the date as %(pattern)s, such as %(example)s.") % _message_values(country))
    found = {day for reading in readings if (day := _day(*reading, today=today, is_past=is_past)) is not None}
    if not found:
        raise NotADate(
            _("This date doesn’t exist. Enter a date as %(pattern)s, such as %(example)s.") % _message_values(country)
        )
    if len(found) > 1:
        raise NotADate(
            _("This date is ambiguous. Enter it as %(pattern)s, such as %(example)s.") % _message_values(country)
        )
    return found.pop()


def _message_values(country: str) -> dict[str, str]:
    return {"pattern": pattern(country), "example": written(_EXAMPLE, country)}


def _readings(parts: list[str], *, month_first: bool) -> Iterator[tuple[str, str, str]]:
    """Yields every possible reading of the parts as (year, month, day), each in digits."""
    match parts:
        case [digits] if digits.isdigit():
            for first, second, _third in _PART_LENGTHS.get(len(digits), ()):
                run = [digits[:first], digits[first : first + second], digits[first + second :]]
                yield from _readings(run, month_first=month_first)
        case [_a, _b, _c]:
            numbers = [part for part in parts if part.isdigit()]
            months = [str(month) for part in parts if (month := _month_of(part))]
            if len(numbers) + len(months) == len(parts):
                yield from _of_three(numbers, months, month_first=month_first)


def _of_three(numbers: list[str], months: list[str], *, month_first: bool) -> Iterator[tuple[str, str, str]]:
    match numbers, months:
        case [year, month, day], [] if len(year) == 4:
            yield year, month, day
        case [first, second, year], []:
            yield (year, first, second) if month_first else (year, second, first)
        case [year, day], [month] if len(year) == 4:
            yield year, month, day
        case [day, year], [month]:
            yield year, month, day


def _month_of(word: str) -> int | None:
    """Returns the number of a month from its name, or the beginning of it, in English or Spanish."""
    if len(word) < _SHORTEST_MONTH or word.isdigit():
        return None
    found = (number for names in _MONTHS for number, name in enumerate(names.split(), 1) if name.startswith(word))
    return 9 if word == "sept" else next(found, None)


def _day(year: str, month: str, day: str, *, today: date, is_past: bool) -> date | None:
    """Returns the date, or None; a day or month has one or two digits, a year two or four."""
    if len(year) not in {2, 4} or len(month) > 2 or len(day) > 2:
        return None
    number = int(year) if len(year) == 4 else _full_year(int(year), int(month), int(day), today, is_past=is_past)
    if not FIRST_YEAR <= number <= LAST_YEAR:
        return None
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None


def _full_year(ending: int, month: int, day: int, today: date, *, is_past: bool) -> int:
    century = today.year // 100 * 100
    years = [century - 100 + ending, century + ending, century + 100 + ending]
    if is_past:
        return max(year for year in years if (year, month, day) <= (today.year, today.month, today.day))
    return min(years, key=lambda year: abs(year - today.year))
