"""Clients by the age of what they owe: not due yet, or past due for up to 30, 60 or 90 days, or longer."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Expression, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter

MAX_CLIENTS = 200
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
class Debts:
    """The debt of each client by id, the oldest first; the totals are of all clients, also of those not listed."""

    of_clients: dict[int, Debt]
    total: Debt
    has_more: bool


def debts_of(practice: Practice) -> Debts:
    """Returns what is owed on issued invoices, in two queries."""
    today = clock.today(practice.time_zone)
    names = ("to_30", "to_60", "to_90")
    days = {name: today - timedelta(days=limit) for name, limit in zip(names, LIMITS, strict=True)}
    rows = _by_client.rows(practice=practice.pk, today=today, **days)
    totals = _totals.rows(practice=practice.pk, today=today, **days)
    return Debts(
        {client: _debt(amounts) for client, *amounts in rows[:MAX_CLIENTS]},
        _debt(totals[0]) if totals else Debt((0,) * 5),
        has_more=len(rows) > MAX_CLIENTS,
    )


def _debt(amounts: "list[int] | tuple[int, ...]") -> Debt:
    # PostgreSQL's sum of a bigint column is numeric.
    return Debt(tuple(int(amount) for amount in amounts))


@CompiledQuery
def _by_client(
    practice: Parameter, today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter
) -> QuerySet[Invoice, tuple[int, ...]]:
    sums = _sums(today, to_30, to_60, to_90)
    rows = Invoice.objects.filter(practice=practice).outstanding().order_by().values("client")
    rows = rows.annotate(oldest=Min("due_on"), **sums).order_by(F("oldest").asc(nulls_last=True), "client")
    return rows.values_list("client", *sums)[: MAX_CLIENTS + 1]


@CompiledQuery
def _totals(
    practice: Parameter, today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter
) -> QuerySet[Invoice, tuple[int, ...]]:
    sums = _sums(today, to_30, to_60, to_90)
    rows = Invoice.objects.filter(practice=practice).outstanding().order_by().values("practice")
    return rows.annotate(**sums).values_list(*sums)


def _sums(today: Parameter, to_30: Parameter, to_60: Parameter, to_90: Parameter) -> dict[str, Expression]:
    columns = {
        "not_due": Q(due_on=None) | Q(due_on__gte=today),
        "late": Q(due_on__lt=today, due_on__gte=to_30),
        "late_30": Q(due_on__lt=to_30, due_on__gte=to_60),
        "late_60": Q(due_on__lt=to_60, due_on__gte=to_90),
        "late_90": Q(due_on__lt=to_90),
    }
    return {name: Coalesce(Sum("open_minor", filter=condition), 0) for name, condition in columns.items()}
