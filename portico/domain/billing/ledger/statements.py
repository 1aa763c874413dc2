"""A client's account over a period: what was invoiced, paid, refunded and adjusted, and the balance after each."""

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

# A longer statement comes in parts, each a document of its own.
LINES_PER_PART = 500

type Happening = Invoice | Payment | Credit | CreditNote | Refund | Dispute


@dataclass(frozen=True)
class Entry:
    """One line: the row it is about, its amount in the sum it belongs to, and the balance after it in minor units."""

    on: date
    what: Happening
    sums: Sums
    balance_minor: int


@dataclass(frozen=True)
class Statement:
    """Days are the practice's own, both ends included.

    `before_minor` is the balance brought forward to this part and `sums` are this part's: together they are
    `after_minor`. `period_sums` are of all parts. `processing_minor` is what is Processing today, on the last part of a
    statement up to today; otherwise 0. `first_on` is the day of the client's first movement before the period.
    """

    client: Client
    begins_on: date
    ends_on: date
    part: int
    parts: int
    before_minor: int
    entries: tuple[Entry, ...]
    period_sums: Sums
    processing_minor: int
    first_on: date | None

    @property
    def sums(self) -> Sums:
        return _added_up(entry.sums for entry in self.entries)

    @property
    def after_minor(self) -> int:
        return self.before_minor + self.sums.balance_minor

    @property
    def balance_minor(self) -> int:
        """As the portal shows it: without what is Processing."""
        return self.after_minor - self.processing_minor

    @property
    def is_last_part(self) -> bool:
        return self.part == self.parts


def statement_of(
    client: Client, *, begins_on: date, ends_on: date, today: date, shared_only: bool, part: int = 1
) -> Statement:
    """One part of the statement as the books stand now, without what was voided, taken back or failed.

    Up to today it has everything that is in the books, also an invoice that is dated ahead: it ends with the balance
    that `balances` adds up for the office or the portal. A part beyond the last one is the last one.
    """
    books = movements.of_client(client, shared_only=shared_only)
    is_up_to_today = ends_on >= today
    earlier = books.total(Period(ends_on=begins_on - timedelta(days=1)))
    found = books.within(Period(begins_on, None if is_up_to_today else ends_on))
    parts = max(1, ceil(len(found) / LINES_PER_PART))
    part = min(part, parts)
    start = (part - 1) * LINES_PER_PART
    before = earlier.sums.balance_minor + _added_up(each.sums for each in found[:start]).balance_minor
    return Statement(
        client=client,
        begins_on=begins_on,
        ends_on=ends_on,
        part=part,
        parts=parts,
        before_minor=before,
        entries=tuple(_entries(found[start : start + LINES_PER_PART], before)),
        period_sums=_added_up(each.sums for each in found),
        processing_minor=balances.processing(client, shared_only=shared_only)
        if is_up_to_today and part == parts
        else 0,
        first_on=earlier.first_on,
    )


def _added_up(sums: Iterable[Sums]) -> Sums:
    return reduce(Sums.__add__, sums, Sums())


def _entries(found: list[Movement], before_minor: int) -> Iterable[Entry]:
    """The movements with their rows, a query for each kind there is."""
    rows = {kind: _rows(kind, [each.pk for each in found if each.kind is kind]) for kind in MovementKind}
    balance = before_minor
    for each in found:
        balance += each.sums.balance_minor
        yield Entry(each.on, rows[each.kind][each.pk], each.sums, balance)


def _rows(kind: MovementKind, pks: list[int]) -> Mapping[int, Happening]:
    return _of_kind(kind).in_bulk(pks)


def _of_kind(kind: MovementKind) -> QuerySet[Any]:  # Any: whichever table.
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
