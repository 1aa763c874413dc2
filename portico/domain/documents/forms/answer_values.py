"""Values of answers: checks of their JSON, and the form in which two values are compared."""

import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from portico.plumbing.text.input_validation import clean_line, clean_text, holds_card_number, is_unstorable

LARGEST_INTEGER = 2**31 - 1  # https://hl7.org/fhir/R4/datatypes.html#integer
LARGEST_DECIMAL = 1_000_000_000
DECIMAL_PLACES = 6
# The year 9999 is left out: in another time zone, its last day is beyond what Python can represent.
EARLIEST_YEAR, LATEST_YEAR = 1800, datetime.MAXYEAR - 1
MAX_LINE, MAX_TEXT = 1000, 10_000
MAX_OPTION_TEXT = 300
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}:\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})", re.ASCII)


class CodingValue(NamedTuple):
    """The identity of a FHIR Coding, without its display, which differs between languages."""

    system: str
    code: str


type AnswerValue = bool | int | float | str | datetime.date | datetime.datetime | datetime.time | CodingValue


def comparable(value_type: str, value: Any) -> AnswerValue:  # Any: JSON that `find_error` accepted.
    """Returns the value as Python compares it. Values of one type are compared with each other only."""
    if value_type == "Coding":
        return CodingValue(value.get("system", ""), value["code"])
    if value_type in _READERS:
        return _READERS[value_type](value)
    if value_type == "Decimal":
        return float(value)
    plain: bool | int | float | str = value
    return plain


def find_error(value_type: str, value: object, *, max_length: int | None = None, is_line: bool = False) -> str | None:
    """Returns a sentence about what is wrong with the value, or None.

    `value_type` is the suffix of FHIR's `value…`; `max_length` and `is_line` (no line breaks) are for a String.
    """
    if value_type == "String":
        return _text_error(value, max_length or (MAX_LINE if is_line else MAX_TEXT), is_line=is_line)
    return _CHECKS[value_type](value)


def is_coding(value: object) -> bool:
    """Returns True for a Coding with a code, and perhaps a system and a display, each a clean line."""
    if not isinstance(value, dict) or not {"code"} <= value.keys() <= {"system", "code", "display"}:
        return False
    return all(
        isinstance(text, str)
        and 0 < len(text) <= MAX_OPTION_TEXT
        and clean_line(text) == text
        # A long code of digits is no card number; a display that people read must not be one.
        and not is_unstorable(text)
        and not (key == "display" and holds_card_number(text))
        for key, text in value.items()
    )


def _text_error(value: object, max_length: int, *, is_line: bool) -> str | None:
    if not isinstance(value, str) or not value:
        return _("This answer can’t be read. Please enter it again.")
    if len(value) > max_length:
        return _("Enter at most %(limit_value)d characters. You entered %(show_value)d.") % {
            "limit_value": max_length,
            "show_value": len(value),
        }
    if holds_card_number(value):
        return _("This looks like a card number. Remove it.")
    if value != (clean_line(value) if is_line else clean_text(value)) or is_unstorable(value):
        return _("This text contains a character that can’t be saved. Please enter it again.")
    return None


def _boolean_error(value: object) -> str | None:
    return None if isinstance(value, bool) else _("Choose yes or no.")


def _integer_error(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return _("Enter a whole number, like 3.")
    return None if abs(value) <= LARGEST_INTEGER else _("This number is too large.")


def _decimal_error(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return _("Enter a number, like 2.5.")
    if abs(value) > LARGEST_DECIMAL:
        return _("This number is too large.")
    return None if round(value, DECIMAL_PLACES) == value else _("Enter at most six decimal places.")


def _date_error(value: object) -> str | None:
    return None if _is_readable("Date", value, _DATE) else _("Enter a real date, like 1990-04-23.")


def _time_error(value: object) -> str | None:
    return None if _is_readable("Time", value, _TIME) else _("Enter a time, like 14:30.")


def _date_time_error(value: object) -> str | None:
    return None if _is_readable("DateTime", value, _DATE_TIME) else _("Enter a real date and time.")


def _is_readable(value_type: str, value: object, pattern: re.Pattern[str]) -> bool:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return False
    try:
        read = _READERS[value_type](value)
    except ValueError:
        return False
    return isinstance(read, datetime.time) or EARLIEST_YEAR <= read.year <= LATEST_YEAR


_READERS: Mapping[str, Callable[[str], datetime.date | datetime.datetime | datetime.time]] = {
    "Date": datetime.date.fromisoformat,
    "DateTime": datetime.datetime.fromisoformat,
    "Time": datetime.time.fromisoformat,
}
_CHECKS: Mapping[str, Callable[[object], str | None]] = {
    "Boolean": _boolean_error,
    "Integer": _integer_error,
    "Decimal": _decimal_error,
    "Date": _date_error,
    "DateTime": _date_time_error,
    "Time": _time_error,
}
