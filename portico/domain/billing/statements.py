"""A client's account over a period: what was invoiced, what came, what went back, and the balance after each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from portico.domain.billing import balances
from portico.domain.billing.models import (
    Allocation,
    Credit,
    CreditNote,
    Dispute,
    DisputeState,
    Invoice,
    Payment,
    Refund,
)
from portico.domain.clients.models import Client
from portico.plumbing import times

type Happening = Invoice | Payment | Credit | CreditNote | Refund | Dispute


@dataclass(frozen=True)
class Entry:
    """One line: what it was, and by how much it changed what is owed, in minor units."""

    on: date
    what: Happening
    owed_minor: int
    balance_minor: int = 0


@dataclass(frozen=True)
class Statement:
    """Days are the practice's own, both ends included. `processing_minor` is told of the present alone."""

    client: Client
    begins_on: date
    ends_on: date
    before_minor: int
    entries: tuple[Entry, ...]
    processing_minor: int

    @property
    def more_minor(self) -> int:
        """What was added to the debt in the period."""
        return sum(entry.owed_minor for entry in self.entries if entry.owed_minor > 0)

    @property
    def less_minor(self) -> int:
        return -sum(entry.owed_minor for entry in self.entries if entry.owed_minor < 0)

    @property
    def after_minor(self) -> int:
        return self.before_minor + self.more_minor - self.less_minor

    @property
    def balance_minor(self) -> int:
        """As the portal shows it: without what is Processing."""
        return self.after_minor - self.processing_minor


def of(client: Client, *, begins_on: date, ends_on: date, today: date, shared_only: bool) -> Statement:
    """As the books stand now: what was voided, taken back or failed is not told.

    Up to today its end is the balance that `balances` adds up, in the office or in the portal.
    """
    entries = sorted(_entries(client, shared_only=shared_only), key=_order)
    before = sum(entry.owed_minor for entry in entries if entry.on < begins_on)
    balance, told = before, []
    for entry in entries:
        if begins_on <= entry.on <= ends_on:
            balance += entry.owed_minor
            told.append(Entry(entry.on, entry.what, entry.owed_minor, balance))
    account = balances.portal(client) if shared_only else balances.office(client)
    processing = account.processing_minor if ends_on >= today else 0
    return Statement(client, begins_on, ends_on, before, tuple(told), processing)


def _entries(client: Client, *, shared_only: bool) -> Iterator[Entry]:
    invoices = client.invoices.standing()
    if shared_only:
        invoices = invoices.shared()
    for invoice in invoices:
        yield Entry(invoice.dated_on, invoice, invoice.total_minor)
    notes = CreditNote.objects.filter(invoice__in=invoices, undone_at=None)
    for note in notes.select_related("invoice"):
        yield Entry(_day(client, note.at), note, -note.amount_minor)
    for credit in client.credits.counting():
        yield Entry(_day(client, credit.created_at), credit, -credit.amount_minor)
    yield from _money(client, shared_only=shared_only)


def _money(client: Client, *, shared_only: bool) -> Iterator[Entry]:
    payments = {payment.pk: payment for payment in client.payments.counting()}
    unseen = _put_out_of_sight(client) if shared_only else Counter[int]()
    noted = _noted_out_of_sight(client) if shared_only else Counter[int]()
    for refund in Refund.objects.filter(payment__in=payments).counting():
        refund.payment = payments[refund.payment_id]
        hidden = noted[refund.pk]
        unseen[refund.payment_id] += hidden
        if refund.amount_minor > hidden:
            yield Entry(_day(client, refund.created_at), refund, refund.amount_minor - hidden)
    for payment in payments.values():
        shown = payment.amount_minor - unseen[payment.pk]
        if shown:
            yield Entry(payment.received_on, payment, -shown)
    for dispute in Dispute.objects.filter(payment__in=payments, state=DisputeState.LOST, lost_minor__gt=0):
        yield Entry(_day(client, dispute.closed_at or dispute.opened_at), dispute, dispute.lost_minor)


def _day(client: Client, at: datetime) -> date:
    return times.day_of(at, client.practice.zone)


def _put_out_of_sight(client: Client) -> Counter[int]:
    """What of each payment stands against invoices that are not shared: neither is told in the portal."""
    rows = Allocation.objects.live().filter(_unshared(client)).exclude(payment=None)
    found = Counter[int]()
    for allocation in rows:
        found[allocation.payment_id or 0] += allocation.still_live_minor
    return found


def _noted_out_of_sight(client: Client) -> Counter[int]:
    """What of each refund was paid back of such invoices."""
    found = Counter[int]()
    for note in CreditNote.objects.filter(_unshared(client), undone_at=None):
        found[note.refund_id] += note.amount_minor
    return found


def _unshared(client: Client) -> Q:
    return Q(invoice__client=client, invoice__voided_at=None, invoice__shared_at=None)


# On one day: debts first, then what settles them, then what went back of it.
_RANKS: dict[type, int] = {Invoice: 0, Credit: 1, Payment: 2, Refund: 3, CreditNote: 4, Dispute: 5}


def _order(entry: Entry) -> tuple[date, int, int]:
    return entry.on, _RANKS[type(entry.what)], entry.what.pk
