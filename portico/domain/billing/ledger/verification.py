"""Verification of the ledger: recomputes all totals from their smallest parts and reports every mismatch."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Sum

from portico.domain.billing.ledger import balances, practice_owed_total
from portico.domain.billing.models import (
    STATES_HOLDING_INVOICES,
    Allocation,
    AttemptInvoice,
    AttemptState,
    Credit,
    CreditNote,
    Dispute,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    Payment,
    PaymentAttempt,
    PaymentKind,
    ReceiptCounter,
    Refund,
    RefundState,
    Reversal,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice


@dataclass(frozen=True)
class LedgerMismatch:
    """A violated rule, the row it concerns, and the stored and the computed value."""

    rule: str
    about: str
    stored: str
    computed: str


def mismatches() -> Iterator[LedgerMismatch]:
    """Yields every mismatch. There are none unless there is a bug or the database was edited by hand."""
    parts = _Parts()
    yield from _invoices(parts)
    yield from _allocations(parts)
    yield from _payments(parts)
    yield from _credits(parts)
    yield from _refunds(parts)
    yield from _disputes(parts)
    yield from _attempts()
    yield from _numbers("invoices are numbered without gaps", Invoice.objects.issued(), InvoiceCounter)
    yield from _numbers("receipts are numbered without gaps", Payment.objects.all(), ReceiptCounter)
    yield from _balances(parts.owed)
    yield from _owed_totals(parts.owed_to)


def counts() -> dict[str, int]:
    """Returns the number of rows checked, by kind."""
    return {
        "invoices": Invoice.objects.count(),
        "payments": Payment.objects.count(),
        "credits": Credit.objects.count(),
        "refunds": Refund.objects.count(),
        "disputes": Dispute.objects.count(),
        "attempts": PaymentAttempt.objects.count(),
    }


type Key = Any  # Any: the id of a row, or a tuple of ids.
type SumsByKey = dict[Key, int]
# The ids of the rows that an amount belongs to, then the amount.
type AmountRows = list[tuple[Any, ...]]  # Any: ids and an amount, some ids NULL.


def _rows(found: QuerySet[Any], column: str, *by: str) -> AmountRows:  # Any: one of several models.
    return list(found.order_by().values(*by).annotate(sum_of=Sum(column)).values_list(*by, "sum_of"))


def _sums(rows: AmountRows, *columns: int) -> SumsByKey:
    """Returns the amounts summed by the ids in these columns."""
    sums: SumsByKey = defaultdict(int)
    for row in rows:
        sums[row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)] += row[-1]
    return sums


@dataclass
class _Parts:
    """The smallest parts of the ledger, each read once, and two sums that are added up during the checks."""

    # What each client owes, less credit.
    owed: Counter[int] = field(default_factory=Counter)
    # What each practice is owed on invoices.
    owed_to: Counter[int] = field(default_factory=Counter)

    @cached_property
    def allocated(self) -> AmountRows:
        """Live allocations: invoice, payment, credit, amount."""
        return _rows(Allocation.objects.all(), "live_minor", "invoice", "payment", "credit")

    @cached_property
    def credited(self) -> AmountRows:
        """Credit notes in force: invoice, refund, amount."""
        return _rows(CreditNote.objects.filter(undone_at=None), "amount_minor", "invoice", "refund")

    @cached_property
    def reversed(self) -> AmountRows:
        """Reversals in force: allocation, invoice, refund, dispute, amount."""
        in_force = Reversal.objects.filter(undone_at=None)
        return _rows(in_force, "amount_minor", "allocation", "allocation__invoice", "refund", "dispute")


def _compare(rule: str, about: object, stored: object, computed: object) -> Iterator[LedgerMismatch]:
    if stored != computed:
        yield LedgerMismatch(rule, str(about), str(stored), str(computed))


def _invoices(parts: _Parts) -> Iterator[LedgerMismatch]:
    lines = _sums(_rows(InvoiceLine.objects.all(), "amount_minor", "invoice"), 0)
    paid, credited = _sums(parts.allocated, 0), _sums(parts.credited, 0)
    for invoice in Invoice.objects.select_related("practice").order_by("id").iterator(chunk_size=1000):
        about, pk = f"invoice {invoice.ref}", invoice.pk
        yield from _compare("an invoice's total is the sum of its lines", about, invoice.total_minor, lines[pk])
        yield from _compare("paid is what allocations say", about, invoice.paid_minor, paid[pk])
        yield from _compare("credited is what credit notes say", about, invoice.credited_minor, credited[pk])
        if paid[pk] + (0 if invoice.is_void else credited[pk]) > lines[pk]:
            yield LedgerMismatch(
                "no invoice is paid beyond its total", about, str(lines[pk]), str(paid[pk] + credited[pk])
            )
        if not invoice.is_draft and not invoice.is_void:
            parts.owed[invoice.client_id] += lines[pk] - credited[pk]
            parts.owed_to[invoice.practice_id] += lines[pk] - paid[pk] - credited[pk]
            is_settled = paid[pk] + credited[pk] == lines[pk]
            yield from _compare("paid if and only if nothing is open", about, invoice.is_paid, is_settled)
            yield from _compare("the books are in one currency", about, invoice.currency, invoice.practice.currency)
        if (invoice.is_draft or invoice.is_void) and paid[pk]:
            yield LedgerMismatch("nothing stands against a draft or a void invoice", about, "0", str(paid[pk]))


def _allocations(parts: _Parts) -> Iterator[LedgerMismatch]:
    reversed_by = _sums(parts.reversed, 0)
    rows = Allocation.objects.select_related("invoice", "payment", "credit").order_by("id")
    for row in rows.iterator(chunk_size=1000):
        about = f"allocation {row.pk} to invoice {row.invoice.ref}"
        yield from _compare("reversed is what reversals say", about, row.reversed_minor, reversed_by[row.pk])
        if source := row.payment or row.credit:
            yield from _compare("money pays its own client", about, source.client_id, row.invoice.client_id)
            yield from _compare("money pays its own currency", about, source.currency, row.invoice.currency)


def _payments(parts: _Parts) -> Iterator[LedgerMismatch]:
    live = _sums(parts.allocated, 1)
    refunded = _sums(_rows(Refund.objects.not_failed(), "amount_minor", "payment"), 0)
    lost = _sums(_rows(Dispute.objects.all(), "lost_minor", "payment"), 0)
    payments_of_charge = Counter(
        Payment.objects.exclude(stripe_charge_id="").values_list("practice", "stripe_charge_id")
    )
    for payment in Payment.objects.select_related("practice", "attempt").order_by("id").iterator(chunk_size=1000):
        about, pk = f"payment {payment.ref}", payment.pk
        yield from _compare("allocated is what allocations say", about, payment.allocated_minor, live[pk])
        yield from _compare("refunded is what refunds say", about, payment.refunded_minor, refunded[pk])
        yield from _compare("lost is what disputes say", about, payment.disputed_minor, lost[pk])
        if live[pk] + refunded[pk] + lost[pk] > payment.amount_minor:
            spent = live[pk] + refunded[pk] + lost[pk]
            yield LedgerMismatch("no payment is spent twice", about, str(payment.amount_minor), str(spent))
        if payment.is_taken_back and live[pk]:
            yield LedgerMismatch("what was taken back pays nothing", about, "0", str(live[pk]))
        if not payment.is_taken_back:
            parts.owed[payment.client_id] -= payment.amount_minor - refunded[pk] - lost[pk]
        yield from _compare("the books are in one currency", about, payment.currency, payment.practice.currency)
        yield from _charge(payment, payments_of_charge[payment.practice_id, payment.stripe_charge_id])


def _charge(payment: Payment, count: int) -> Iterator[LedgerMismatch]:
    about = f"payment {payment.ref}"
    if payment.kind == PaymentKind.ONLINE and not payment.stripe_charge_id:
        yield LedgerMismatch("every online payment has its charge", about, "", "a charge")
    if count > 1:
        yield LedgerMismatch("every charge is one payment", about, str(count), "1")
    if (attempt := payment.attempt) is not None:
        yield from _compare("a payment's attempt succeeded", about, attempt.state, AttemptState.SUCCEEDED)
        yield from _compare(
            "a payment is what its attempt asked for", about, payment.amount_minor, attempt.amount_minor
        )


def _credits(parts: _Parts) -> Iterator[LedgerMismatch]:
    live = _sums(parts.allocated, 2)
    for credit in Credit.objects.order_by("id").iterator(chunk_size=1000):
        about, pk = f"credit {credit.ref}", credit.pk
        yield from _compare("allocated is what allocations say", about, credit.allocated_minor, live[pk])
        counted = 0 if credit.is_taken_back else credit.amount_minor
        if live[pk] > counted:
            yield LedgerMismatch("no credit is spent twice", about, str(credit.amount_minor), str(live[pk]))
        parts.owed[credit.client_id] -= counted


def _refunds(parts: _Parts) -> Iterator[LedgerMismatch]:
    by_refund = [row for row in parts.reversed if row[2] is not None]
    reversed_by, reversed_at = _sums(by_refund, 2), _sums(by_refund, 2, 1)
    credited = _sums(parts.credited, 1, 0)
    refs = {}
    for refund in Refund.objects.order_by("id").iterator(chunk_size=1000):
        about = refs[refund.pk] = f"refund {refund.ref}"
        limit = 0 if refund.state == RefundState.FAILED else refund.amount_minor
        if reversed_by[refund.pk] > limit:
            yield LedgerMismatch(
                "a refund reverses no more than it gave back", about, str(limit), str(reversed_by[refund.pk])
            )
    for pair in reversed_at.keys() | credited.keys():
        yield from _compare(
            "what a refund reverses it credits", refs.get(pair[0], pair[0]), credited[pair], reversed_at[pair]
        )


def _disputes(parts: _Parts) -> Iterator[LedgerMismatch]:
    reversed_by = _sums(parts.reversed, 3)
    for dispute in Dispute.objects.order_by("id").iterator(chunk_size=1000):
        if reversed_by[dispute.pk] > dispute.lost_minor:
            about = f"dispute {dispute.ref}"
            rule = "a dispute reverses no more than was lost"
            yield LedgerMismatch(rule, about, str(dispute.lost_minor), str(reversed_by[dispute.pk]))


def _attempts() -> Iterator[LedgerMismatch]:
    covers = _rows(AttemptInvoice.objects.all(), "amount_minor", "attempt", "is_open")
    covered, holding = _sums(covers, 0), {attempt for attempt, is_open, _amount in covers if is_open}
    of_other_clients = set(
        AttemptInvoice.objects.exclude(invoice__client=F("attempt__client")).values_list("attempt", flat=True)
    )
    payments = Counter(Payment.objects.filter(attempt__isnull=False).values_list("attempt", flat=True))
    for attempt in PaymentAttempt.objects.order_by("id").iterator(chunk_size=1000):
        about, pk = f"attempt {attempt.ref}", attempt.pk
        yield from _compare("an attempt asks for what it covers", about, attempt.amount_minor, covered[pk])
        yield from _compare(
            "an attempt holds its invoices while it is open",
            about,
            pk in holding,
            attempt.state in STATES_HOLDING_INVOICES,
        )
        expected = 1 if attempt.state == AttemptState.SUCCEEDED else 0
        yield from _compare("a success has exactly one payment", about, payments[pk], expected)
        if pk in of_other_clients:
            yield LedgerMismatch("an attempt pays its own client's invoices", about, "another client's", "its own")


def _numbers(
    rule: str, rows: QuerySet[Any], counters: type[InvoiceCounter | ReceiptCounter]
) -> Iterator[LedgerMismatch]:  # Any: invoices or payments.
    numbered = rows.order_by().values("practice").annotate(number_of=Count("pk"), last=Max("number"))
    found = {
        practice: (number, last) for practice, number, last in numbered.values_list("practice", "number_of", "last")
    }
    nexts = dict(counters.objects.values_list("practice", "next_number"))
    for practice in found.keys() | nexts.keys():
        about = f"practice {practice}"
        number, last = found.get(practice, (0, 0))
        yield from _compare(rule, about, last or 0, number)
        yield from _compare(rule, about, nexts.get(practice, 1), number + 1)


def _owed_totals(owed_to: Counter[int]) -> Iterator[LedgerMismatch]:
    for practice in Practice.objects.order_by("id"):
        total = practice_owed_total.owed_minor(practice)
        yield from _compare("a practice is owed what is open", f"practice {practice.ref}", total, owed_to[practice.pk])


def _balances(owed: Counter[int]) -> Iterator[LedgerMismatch]:
    """Checks that no money was created or lost: a balance is the invoices less payments plus refunds and losses."""
    for client in Client.objects.select_related("practice").filter(pk__in=owed.keys()).order_by("id").iterator(1000):
        account, about = balances.office_account(client), f"client {client.ref}"
        yield from _compare("a balance is what came and went", about, account.office_minor, owed[client.pk])
        from_movements = account.sums.balance_minor
        yield from _compare("the sums of an account are its balance", about, from_movements, owed[client.pk])
