"""Clients by the age of what they owe: not due yet, or past due for up to 30, 60 or 90 days, or longer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Expression, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# Clients on one page of the list.
PAGE_SIZE = 200
# The days past due at which the next column begins.
LIMITS = (30, 60, 90)


@dataclass(frozen=True)
class Debt:
    """Amounts in minor units: not due, then past due for up to 30, 60, 90 days, and longer."""

    by_age: tuple[int, ...]

    @property
    def total_minor(self) -> int:
        return sum(self.by_age)


@dataclass(frozen=True)
class DebtTotals:
    """The debts of all clients added up, and the number of these clients."""

    total: Debt
    clients: int


@dataclass(frozen=True)
class DebtPage:
    """One page of clients by id, the oldest debt first. `last` is the position after which the next page begins."""

    of_clients: dict[int, Debt]
    last: "Position | None"


@dataclass(frozen=True)
class Position:
    """The place of a client in the list: the earliest due date of what they owe, None if it has none."""

    client: int
    oldest: date | None


def totals_of(practice: Practice) -> DebtTotals:
    """Returns what is owed on issued invoices, also by clients on other pages, in one query."""
    rows = _totals.rows(practice=practice.pk, **_days(practice))
    if not rows:
        return DebtTotals(Debt((0,) * 5), 0)
    clients, *amounts = rows[0]
    return DebtTotals(_debt(amounts), clients)


def page_of(practice: Practice, *, after: Position | None = None) -> DebtPage:
    """Returns the page of the list that begins after a position, in one query."""
    days = _days(practice)
    if after is None:
        rows = _first_page.rows(practice=practice.pk, **days)
    elif after.oldest is None:
        rows = _page_without_dates.rows(practice=practice.pk, last=after.client, **days)
    else:
        rows = _page.rows(practice=practice.pk, last=after.client, oldest=after.oldest, **days)
    listed = rows[:PAGE_SIZE]
    last = Position(*listed[-1][:2]) if len(rows) > PAGE_SIZE else None
    return DebtPage({client: _debt(amounts) for client, _oldest, *amounts in listed}, last)


def position_of(practice: Practice, ref: str) -> Position | None:
    """Returns the place of the client with the ref; None if there is none who owes something."""
    owing = Invoice.objects.filter(practice=practice, client__ref=ref).outstanding().order_by()
    found = owing.values("client").annotate(oldest=Min("due_on")).values_list("client", "oldest").first()
    return Position(*found) if found else None


def all_of(practice: Practice) -> Iterator[dict[int, Debt]]:
    """Yields every page of the list."""
    page = page_of(practice)
    yield page.of_clients
    while page.last is not None:
        page = page_of(practice, after=page.last)
        yield page.of_clients


def _days(practice: Practice) -> dict[str, date]:
    today, names = clock.today(practice.time_zone), ("to_30", "to_60", "to_90")
    return {"today": today} | {name: today - timedelta(days=limit) for name, limit in zip(names, LIMITS, strict=True)}


def _debt(amounts: list[int]) -> Debt:
    # PostgreSQL's sum of a bigint column is numeric.
    return Debt(tuple(int(amount) for amount in amounts))


type Row = tuple[Any, ...]  # Any: the client's id, its earliest due date, then amounts.


@CompiledQuery
def _first_page(
    practice: Parameter, today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter
) -> QuerySet[Invoice, Row]:
    return _listed(_by_client(practice), _sums(today, to_30, to_60, to_90))


@CompiledQuery
def _page(
    *,
    practice: Parameter,
    oldest: Parameter,
    last: Parameter,
    today: Parameter,
    to_30: Parameter,
    to_60: Parameter,
    to_90: Parameter,
) -> QuerySet[Invoice, Row]:
    later = Q(oldest__gt=oldest) | Q(oldest=oldest, client__gt=last) | Q(oldest__isnull=True)
    return _listed(_by_client(practice).filter(later), _sums(today, to_30, to_60, to_90))


@CompiledQuery
def _page_without_dates(
    *, practice: Parameter, last: Parameter, today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter
) -> QuerySet[Invoice, Row]:
    undated = _by_client(practice).filter(Q(oldest__isnull=True, client__gt=last))
    return _listed(undated, _sums(today, to_30, to_60, to_90))


def _by_client(practice: Parameter) -> QuerySet[Invoice, Any]:  # Any: rows of `values`.
    rows = Invoice.objects.filter(practice=practice).outstanding().order_by().values("client")
    return rows.annotate(oldest=Min("due_on"))


def _listed(rows: QuerySet[Invoice, Any], sums: dict[str, Expression]) -> QuerySet[Invoice, Row]:  # Any: as above.
    ordered = rows.annotate(**sums).order_by(F("oldest").asc(nulls_last=True), "client")
    return ordered.values_list("client", "oldest", *sums)[: PAGE_SIZE + 1]


@CompiledQuery
def _totals(
    practice: Parameter, today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter
) -> QuerySet[Invoice, tuple[int, ...]]:
    sums = _sums(today, to_30, to_60, to_90)
    rows = Invoice.objects.filter(practice=practice).outstanding().order_by().values("practice")
    clients = Count("client", distinct=True)
    return rows.annotate(clients=clients, **sums).values_list("clients", *sums)


def _sums(today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter) -> dict[str, Expression]:
    columns = {
        "not_due": Q(due_on=None) | Q(due_on__gte=today),
        "late": Q(due_on__lt=today, due_on__gte=to_30),
        "late_30": Q(due_on__lt=to_30, due_on__gte=to_60),
        "late_60": Q(due_on__lt=to_60, due_on__gte=to_90),
        "late_90": Q(due_on__lt=to_90),
    }
    return {name: Coalesce(Sum("open_minor", filter=condition), 0) for name, condition in columns.items()}
