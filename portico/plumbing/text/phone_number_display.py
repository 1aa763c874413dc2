"""Formatting of stored phone numbers, reading a typed one, and finding phone numbers in text."""

import re
from dataclasses import dataclass

import phonenumbers

from portico.plumbing.text.result_cache import cached

# Emergency and crisis lines have three digits nearly everywhere (911, 988, 112).
_THREE_DIGITS = re.compile(r"(?<![\d(+-])\d{3}(?![\d)-])")


@cached
def formatted(number: str, *, at_home: str = "") -> str:
    """Formats a stored number (E.164) for people.

    In national format, unless `at_home`, a number of the practice, belongs to another country.
    A number that cannot be parsed is returned unchanged.
    """
    parsed = _parsed(number)
    if parsed is None:
        return number
    home = _parsed(at_home)
    abroad = home is not None and home.country_code != parsed.country_code
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, style.INTERNATIONAL if abroad else style.NATIONAL)


def e164(typed: str, country: str) -> str:
    """Returns a typed phone number in E.164, as dialed in the country. Raises ValueError for an impossible one."""
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        raise ValueError("This is no phone number.") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("A phone number of this length does not exist.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True)
class TextPart:
    """A part of a text; `number` is the number to dial, empty for plain text."""

    text: str
    number: str = ""


def split_phone_numbers(text: str, country: str) -> list[list[TextPart]]:
    """Splits each line of a text into plain text and phone numbers, as dialed in the country."""
    return [_parts_of(line, country) for line in text.split("\n")]


def _parts_of(line: str, country: str) -> list[TextPart]:
    style = phonenumbers.PhoneNumberFormat.E164
    found = {
        (match.start, match.end): phonenumbers.format_number(match.number, style)
        for match in phonenumbers.PhoneNumberMatcher(line, country)
    }
    for short in _THREE_DIGITS.finditer(line):
        if not any(start < short.end() and short.start() < end for start, end in found):
            found[short.span()] = short[0]
    parts, at = [], 0
    for (start, end), number in sorted(found.items()):
        parts += [TextPart(line[at:start]), TextPart(line[start:end], number)]
        at = end
    return [part for part in (*parts, TextPart(line[at:])) if part.text]


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
