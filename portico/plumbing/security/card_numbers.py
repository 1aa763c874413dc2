"""Detection of card numbers in text: none may reach the database or the log."""

import re
from collections.abc import Iterator
from itertools import accumulate

SHORTEST, LONGEST = 13, 19
# Separators between the groups of a number: spaces of any kind on one line, dots and dashes.
_SEPARATOR = r"[^\S\n\r]|[.\-\u2010-\u2015\u2212]"
_RUN = re.compile(rf"(?P<international>\+?)(?P<groups>\d+(?:(?:{_SEPARATOR}){{1,3}}\d+)*)")
_GROUP = re.compile(r"\d+")
# International phone numbers begin with a plus and have at most this many digits (ITU-T E.164).
MAX_PHONE_DIGITS = 15


def contains_card_number(text: str) -> bool:
    """Returns True if the text has a card number: 13 to 19 digits, grouped or not, that pass the Luhn check."""
    return next(spans(text), None) is not None


def redacted(text: str, replacement: str) -> str:
    """Returns the text with each card number replaced."""
    for begin, end in reversed(list(spans(text))):
        text = f"{text[:begin]}{replacement}{text[end:]}"
    return text


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields the start and end of each card number; they do not overlap."""
    for run in _RUN.finditer(text):
        groups = [found.span() for found in _GROUP.finditer(text, *run.span("groups"))]
        digits = "".join(text[begin:end] for begin, end in groups)
        if len(digits) >= SHORTEST:
            for first, last in _numbers(
                _Run(digits, [end - begin for begin, end in groups], bool(run["international"]))
            ):
                yield groups[first][0], groups[last][1]


class _Run:
    """Adjacent groups of digits, with prefix sums for the Luhn check: checking any part is one subtraction, so that a
    long text of digits cannot slow down a request.
    """

    def __init__(self, digits: str, sizes: list[int], is_international: bool) -> None:  # noqa: FBT001 - a fact of the run
        numbers = [int(digit) for digit in digits]
        self.sizes, self.is_international = sizes, is_international
        # Prefix sums with the digits at even positions doubled, and with those at odd positions doubled.
        self.sums = [
            [
                0,
                *accumulate(
                    _doubled(number) if place % 2 == doubled else number for place, number in enumerate(numbers)
                ),
            ]
            for doubled in (0, 1)
        ]

    def passes_luhn(self, begin: int, end: int) -> bool:
        """Checks the digits from `begin` to `end` (ISO/IEC 7812-1, annex B). All zeros do not pass."""
        sums = self.sums[end % 2]
        total = sums[end] - sums[begin]
        return total > 0 and total % 10 == 0


def _numbers(run: _Run) -> Iterator[tuple[int, int]]:
    """Yields the index of the first and the last group of each card number."""
    first = begin = 0
    while first < len(run.sizes):
        last = _last_of(run, first, begin)
        following = first + 1 if last is None else last + 1
        if last is not None:
            yield first, last
        begin += sum(run.sizes[first:following])
        first = following


def _last_of(run: _Run, first: int, begin: int) -> int | None:
    """Returns the index of the last group of a card number that begins with group `first`, or None.

    Card numbers have groups of four digits or more, phone numbers and dates shorter ones. Groups of equal length are
    accepted too, since some people type them so.
    """
    end, are_large, are_alike = begin, True, True
    for last in range(first, len(run.sizes)):
        end += run.sizes[last]
        if end - begin > LONGEST or not (are_large or are_alike):
            return None
        is_phone = run.is_international and first == 0 and end - begin <= MAX_PHONE_DIGITS
        if end - begin >= SHORTEST and not is_phone and run.passes_luhn(begin, end):
            return last
        are_large = are_large and run.sizes[last] >= 4
        are_alike = are_alike and run.sizes[last] == run.sizes[first]
    return None


def _doubled(number: int) -> int:
    return number * 2 - 9 if number > 4 else number * 2
