"""The filters above a list in the office, each with its count."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FilterChip:
    """A filter link with its count as text; without one during a search, which the counts would ignore."""

    label: str
    address: str
    number: str
    is_current: bool
    tone: str = ""


def count_label(number: int, *, most: int) -> str:
    """Returns "48", or "1,000+" for a number above the limit up to which rows are counted."""
    return f"{most:,}+" if number > most else f"{number:,}"
