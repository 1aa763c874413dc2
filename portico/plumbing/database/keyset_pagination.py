"""Keyset pagination: a page begins after the row that ended the one before, so that new rows shift nothing."""

from dataclasses import dataclass

from django.db.models import Model, QuerySet

# Above every id: the position before the first page of a list whose newest row is first.
AT_THE_TOP = 2**63 - 1


@dataclass(frozen=True)
class KeysetPage[R]:
    """One page of rows. `next_ref` is the ref after which the next page begins; empty on the last page."""

    rows: list[R]
    next_ref: str
    is_first: bool


def position_of[R: Model](rows: QuerySet[R], ref: str) -> int | None:
    """Returns the id of the row with the ref; None if there is none, for which the first page is shown."""
    return rows.filter(ref=ref).values_list("pk", flat=True).first() if ref else None


def newest_first[R: Model](rows: QuerySet[R], *, after: int | None, size: int) -> KeysetPage[R]:
    """Returns the page that begins after the row with that id, which need not be among the rows."""
    older = rows if after is None else rows.filter(pk__lt=after)
    return page_of(list(older.order_by("-id")[: size + 1]), is_first=after is None, size=size)


def page_of[R: Model](found: list[R], *, is_first: bool, size: int) -> KeysetPage[R]:
    """Returns the first `size` of the rows; one more was fetched to find out whether there is a next page."""
    next_ref: str = found[size - 1].serializable_value("ref") if len(found) > size else ""
    return KeysetPage(found[:size], next_ref, is_first)
