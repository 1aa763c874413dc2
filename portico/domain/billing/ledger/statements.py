"""Account statements: a client's invoices, payments, refunds and adjustments in a period, with a running balance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from math import ceil
from typing import Any

from django.db.models import QuerySet

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger import balances, movements
from portico.domain.billing.ledger.movement_queries import Movement, MovementKind, Period
from portico.domain.billing.models import Credit, CreditNote, Dispute, Invoice, Payment, Refund
from portico.domain.clients.models import Client

# A longer statement is divided into parts, each a separate document.
LINES_PER_PART = 500

type LedgerRow = Invoice | Payment | Credit | CreditNote | Refund | Dispute


@dataclass(frozen=True)
class StatementEntry:
    """One line: the database row, its amount as `sums`, and the balance after it in minor units."""

    on: date
    row: LedgerRow
    sums: Sums
    balance_minor: int


@dataclass(frozen=True)
class Statement:
    """One part of a statement. Days are in the practice's time zone, both ends included.

    `before_minor` is the balance brought forward to this part; with `sums`, those of this part, it gives
    `after_minor`. `period_sums` covers all parts. `processing_minor` is the amount Processing today on the last part of
    a statement up to today, otherwise 0. `first_on` is the day of the client's first movement before the period.
    """

    client: Client
    begins_on: date
    ends_on: date
    part: int
    parts: int
    before_minor: int
    entries: tuple[StatementEntry, ...]
    period_sums: Sums
    processing_minor: int
    first_on: date | None

    @property
    def sums(self) -> Sums:
        return _total(entry.sums for entry in self.entries)

    @property
    def after_minor(self) -> int:
        return self.before_minor + self.sums.balance_minor

    @property
    def balance_minor(self) -> int:
        """The balance as the portal shows it: without the amount that is Processing."""
        return self.after_minor - self.processing_minor

    @property
    def is_last_part(self) -> bool:
        return self.part == self.parts


def statement_of(
    client: Client, *, begins_on: date, ends_on: date, today: date, shared_only: bool, part: int = 1
) -> Statement:
    """Returns one part of the statement from the current books, without rows that were voided, taken back or failed.

    A statement up to today includes invoices dated in the future, so that it ends with the balance that `balances`
    gives for the office or the portal. A `part` beyond the last one returns the last one.
    """
    books = movements.of_client(client, shared_only=shared_only)
    is_up_to_today = ends_on >= today
    earlier = books.total(Period(ends_on=begins_on - timedelta(days=1)))
    found = books.within(Period(begins_on, None if is_up_to_today else ends_on))
    parts = max(1, ceil(len(found) / LINES_PER_PART))
    part = min(part, parts)
    start = (part - 1) * LINES_PER_PART
    before = earlier.sums.balance_minor + _total(each.sums for each in found[:start]).balance_minor
    return Statement(
        client=client,
        begins_on=begins_on,
        ends_on=ends_on,
        part=part,
        parts=parts,
        before_minor=before,
        entries=tuple(_entries(found[start : start + LINES_PER_PART], before)),
        period_sums=_total(each.sums for each in found),
        processing_minor=balances.processing_minor(client, shared_only=shared_only)
        if is_up_to_today and part == parts
        else 0,
        first_on=earlier.first_on,
    )


def _total(sums: Iterable[Sums]) -> Sums:
    return reduce(Sums.__add__, sums, Sums())


def _entries(found: list[Movement], before_minor: int) -> Iterable[StatementEntry]:
    """Yields the movements with their rows, fetched with one query for each kind."""
    rows = {kind: _rows(kind, [each.pk for each in found if each.kind is kind]) for kind in MovementKind}
    balance = before_minor
    for each in found:
        balance += each.sums.balance_minor
        yield StatementEntry(each.on, rows[each.kind][each.pk], each.sums, balance)


def _rows(kind: MovementKind, pks: list[int]) -> Mapping[int, LedgerRow]:
    return _queryset_of(kind).in_bulk(pks)


def _queryset_of(kind: MovementKind) -> QuerySet[Any]:  # Any: one of several models.
    match kind:
        case MovementKind.INVOICE:
            return Invoice.objects.all()
        case MovementKind.CREDIT:
            return Credit.objects.all()
        case MovementKind.PAYMENT:
            return Payment.objects.all()
        case MovementKind.REFUND:
            return Refund.objects.select_related("payment")
        case MovementKind.CREDIT_NOTE:
            return CreditNote.objects.select_related("invoice")
        case MovementKind.DISPUTE:
            return Dispute.objects.all()
