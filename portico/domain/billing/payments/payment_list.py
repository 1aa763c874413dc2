"""The list of a practice's payments: by day and method, with totals, in pages."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import BigIntegerField, Count, Q, QuerySet, Sum
from django.db.models.functions import Cast

from portico.domain.billing.models import Payment, PaymentKind
from portico.domain.billing.models.payments import PaymentQuerySet
from portico.domain.practices.models import Practice
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage

PAGE_SIZE = 50
DEFAULT_DAYS = 30
# The totals are read by day.
MAX_DAYS = 366


@dataclass(frozen=True)
class PaymentFilter:
    """The days of a list, both included, and the method; None for all methods."""

    begins_on: date
    ends_on: date
    kind: PaymentKind | None = None


@dataclass(frozen=True)
class MethodTotal:
    """The number of payments by one method and their sum in minor units."""

    kind: PaymentKind
    number: int
    amount_minor: int


@dataclass(frozen=True)
class PaymentTotals:
    """The totals of a list by method, and by day and method. Payments that were voided are in neither."""

    by_method: list[MethodTotal]
    by_day: dict[date, list[MethodTotal]]

    @property
    def number(self) -> int:
        return sum(total.number for total in self.by_method)

    @property
    def amount_minor(self) -> int:
        return sum(total.amount_minor for total in self.by_method)


def last_days(today: date) -> PaymentFilter:
    """Returns the filter of the last 30 days."""
    return PaymentFilter(today - timedelta(days=DEFAULT_DAYS - 1), today)


def page(practice: Practice, chosen: PaymentFilter, *, before: str = "") -> KeysetPage[Payment]:
    """Returns one page of payments with their clients, the latest day first; the first page if `before` is unknown."""
    last = Payment.objects.filter(practice=practice, ref=before).first() if before else None
    if last is not None:
        older = Q(received_on__lt=last.received_on) | Q(received_on=last.received_on, id__lt=last.pk)
        rows = list(_listed(_matching(practice.pk, chosen).filter(older))[: PAGE_SIZE + 1])
    elif chosen.kind is not None:
        rows = list(_listed(_matching(practice.pk, chosen))[: PAGE_SIZE + 1])
    else:
        rows = _newest.rows(practice=practice.pk, begins_on=chosen.begins_on, ends_on=chosen.ends_on)
    for payment in rows:
        payment.practice = payment.client.practice = practice
    return keyset_pagination.page_of(rows, is_first=last is None, size=PAGE_SIZE)


def totals(practice: Practice, chosen: PaymentFilter) -> PaymentTotals:
    """Returns the totals of all pages, in one query."""
    found = _sums.rows(practice=practice.pk, begins_on=chosen.begins_on, ends_on=chosen.ends_on)
    by_day: dict[date, list[MethodTotal]] = defaultdict(list)
    by_kind: dict[PaymentKind, list[MethodTotal]] = defaultdict(list)
    for day, name, number, amount_minor in found:
        total = MethodTotal(PaymentKind(name), number, amount_minor)
        if chosen.kind in {None, total.kind}:
            by_day[day].append(total)
            by_kind[total.kind].append(total)
    by_method = [_added(kind, by_kind[kind]) for kind in PaymentKind if kind in by_kind]
    return PaymentTotals(by_method, dict(by_day))


def all_of(practice: Practice, chosen: PaymentFilter) -> Iterator[Payment]:
    """Returns all payments of the list, the earliest day first, for an export."""
    rows = _matching(practice.pk, chosen).select_related("client").order_by("received_on", "id")
    return rows.iterator(chunk_size=1000)


def _added(kind: PaymentKind, totals: list[MethodTotal]) -> MethodTotal:
    number, amount_minor = (sum(each.number for each in totals), sum(each.amount_minor for each in totals))
    return MethodTotal(kind, number, amount_minor)


def _matching(practice: int, chosen: PaymentFilter) -> PaymentQuerySet:
    rows = _between(practice, chosen.begins_on, chosen.ends_on)
    return rows if chosen.kind is None else rows.filter(kind=chosen.kind)


def _between(practice: int | Parameter, begins_on: date | Parameter, ends_on: date | Parameter) -> PaymentQuerySet:
    return Payment.objects.not_taken_back().filter(
        practice=practice, received_on__gte=begins_on, received_on__lte=ends_on
    )


def _listed(rows: PaymentQuerySet) -> PaymentQuerySet:
    return rows.select_related("client").order_by("-received_on", "-id")


@CompiledQuery
def _newest(practice: Parameter, begins_on: Parameter, ends_on: Parameter) -> QuerySet[Payment]:
    # One more, if there is a next page.
    return _listed(_between(practice, begins_on, ends_on))[: PAGE_SIZE + 1]


@CompiledQuery
def _sums(
    practice: Parameter, begins_on: Parameter, ends_on: Parameter
) -> QuerySet[Payment, tuple[date, str, int, int]]:
    rows = _between(practice, begins_on, ends_on).order_by().values("received_on", "kind")
    sums = rows.annotate(number_of=Count("id"), sum_of=Cast(Sum("amount_minor"), BigIntegerField()))
    return sums.order_by("received_on", "kind").values_list("received_on", "kind", "number_of", "sum_of")
