"""Card numbers, known by their form wherever people type: none may reach the database or the log."""

import re
from collections.abc import Iterator
from itertools import accumulate

SHORTEST, LONGEST = 13, 19
# Between the groups of a number: spaces of any kind on one line, dots and dashes.
_BETWEEN = r"[^\S\n\r]|[.\-\u2010-\u2015\u2212]"
_RUN = re.compile(rf"(?P<abroad>\+?)(?P<groups>\d+(?:(?:{_BETWEEN}){{1,3}}\d+)*)")
_GROUP = re.compile(r"\d+")
# Telephone numbers begin with a plus where they are international, and have no more digits (ITU-T E.164).
MAX_PHONE_DIGITS = 15


def contains_card_number(text: str) -> bool:
    """Whether a card's number stands in it: 13 to 19 digits that pass Luhn's check, as people group them."""
    return next(spans(text), None) is not None


def redacted(text: str, instead: str) -> str:
    """The text with each of them replaced."""
    for begin, end in reversed(list(spans(text))):
        text = f"{text[:begin]}{instead}{text[end:]}"
    return text


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where they begin and end, none overlapping another."""
    for run in _RUN.finditer(text):
        groups = [found.span() for found in _GROUP.finditer(text, *run.span("groups"))]
        digits = "".join(text[begin:end] for begin, end in groups)
        if len(digits) >= SHORTEST:
            for first, last in _numbers(_Run(digits, [end - begin for begin, end in groups], bool(run["abroad"]))):
                yield groups[first][0], groups[last][1]


class _Run:
    """Groups of digits that stand side by side. Luhn's sums are kept for all beginnings, so that each part costs one
    subtraction: a text of nothing but digits must not keep a request waiting.
    """

    def __init__(self, digits: str, sizes: list[int], is_abroad: bool) -> None:  # noqa: FBT001 - a fact of the run
        numbers = [int(digit) for digit in digits]
        self.sizes, self.is_abroad = sizes, is_abroad
        # Sums in which the digits at even places are doubled, and those at odd ones.
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
        """ISO/IEC 7812-1, annex B: from the right, each second digit is doubled. Nothing but noughts is no number."""
        sums = self.sums[end % 2]
        total = sums[end] - sums[begin]
        return total > 0 and total % 10 == 0


def _numbers(run: _Run) -> Iterator[tuple[int, int]]:
    """The first and the last group of each."""
    first = begin = 0
    while first < len(run.sizes):
        last = _last_of(run, first, begin)
        following = first + 1 if last is None else last + 1
        if last is not None:
            yield first, last
        begin += sum(run.sizes[first:following])
        first = following


def _last_of(run: _Run, first: int, begin: int) -> int | None:
    """The group with which a number ends that begins with the first one.

    Cards show four digits and more together; telephones and dates fewer. All groups alike is how some people type.
    """
    end, are_large, are_alike = begin, True, True
    for last in range(first, len(run.sizes)):
        end += run.sizes[last]
        if end - begin > LONGEST or not (are_large or are_alike):
            return None
        is_phone = run.is_abroad and first == 0 and end - begin <= MAX_PHONE_DIGITS
        if end - begin >= SHORTEST and not is_phone and run.passes_luhn(begin, end):
            return last
        are_large = are_large and run.sizes[last] >= 4
        are_alike = are_alike and run.sizes[last] == run.sizes[first]
    return None


def _doubled(number: int) -> int:
    return number * 2 - 9 if number > 4 else number * 2
