"""Computes the whole of the books anew from their smallest parts, and names whatever is not as it should be."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Max, Q, QuerySet, Sum

from portico.domain.billing import balances
from portico.domain.billing.models import (
    HOLDING,
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


@dataclass(frozen=True)
class Mismatch:
    """A rule that does not hold, the thing it is about, and both numbers or words."""

    rule: str
    about: str
    stored: str
    computed: str


def mismatches() -> Iterator[Mismatch]:
    """Everything that is wrong; nothing, unless there is a bug or somebody has touched the database."""
    yield from _invoices()
    yield from _allocations()
    yield from _payments()
    yield from _credits()
    yield from _refunds()
    yield from _disputes()
    yield from _attempts()
    yield from _numbers("invoices are numbered without gaps", Invoice.objects.issued(), InvoiceCounter)
    yield from _numbers("receipts are numbered without gaps", Payment.objects.all(), ReceiptCounter)
    yield from _balances()


def counts() -> dict[str, int]:
    """How much was looked at."""
    return {
        "invoices": Invoice.objects.count(),
        "payments": Payment.objects.count(),
        "credits": Credit.objects.count(),
        "refunds": Refund.objects.count(),
        "disputes": Dispute.objects.count(),
        "attempts": PaymentAttempt.objects.count(),
    }


type Sums = dict[Any, int]  # Any: a row's number, or several of them.


def _sums(rows: QuerySet[Any], column: str, *by: str) -> Sums:  # Any: whichever table.
    found = rows.values(*by).annotate(sum_of=Sum(column)).values_list(*by, "sum_of").order_by()
    sums: Sums = {(row[0] if len(by) == 1 else row[:-1]): row[-1] or 0 for row in found}
    return defaultdict(int, sums)


def _unless_equal(rule: str, about: object, stored: object, computed: object) -> Iterator[Mismatch]:
    if stored != computed:
        yield Mismatch(rule, str(about), str(stored), str(computed))


def _invoices() -> Iterator[Mismatch]:
    lines = _sums(InvoiceLine.objects.all(), "amount_minor", "invoice")
    paid = _sums(Allocation.objects.all(), "live_minor", "invoice")
    credited = _sums(CreditNote.objects.filter(undone_at=None), "amount_minor", "invoice")
    for invoice in Invoice.objects.select_related("practice").order_by("id").iterator(chunk_size=1000):
        about, pk = f"invoice {invoice.ref}", invoice.pk
        yield from _unless_equal("an invoice's total is the sum of its lines", about, invoice.total_minor, lines[pk])
        yield from _unless_equal("paid is what allocations say", about, invoice.paid_minor, paid[pk])
        yield from _unless_equal("credited is what credit notes say", about, invoice.credited_minor, credited[pk])
        if paid[pk] + (0 if invoice.is_void else credited[pk]) > lines[pk]:
            yield Mismatch("no invoice is paid beyond its total", about, str(lines[pk]), str(paid[pk] + credited[pk]))
        if not invoice.is_draft and not invoice.is_void:
            is_settled = paid[pk] + credited[pk] == lines[pk]
            yield from _unless_equal("paid if and only if nothing is open", about, invoice.is_paid, is_settled)
            yield from _unless_equal(
                "the books are in one currency", about, invoice.currency, invoice.practice.currency
            )
        if (invoice.is_draft or invoice.is_void) and paid[pk]:
            yield Mismatch("nothing stands against a draft or a void invoice", about, "0", str(paid[pk]))


def _allocations() -> Iterator[Mismatch]:
    undone = _sums(Reversal.objects.filter(undone_at=None), "amount_minor", "allocation")
    rows = Allocation.objects.select_related("invoice", "payment", "credit").order_by("id")
    for row in rows.iterator(chunk_size=1000):
        about = f"allocation {row.pk} to invoice {row.invoice.ref}"
        yield from _unless_equal("reversed is what reversals say", about, row.reversed_minor, undone[row.pk])
        if source := row.payment or row.credit:
            yield from _unless_equal("money pays its own client", about, source.client_id, row.invoice.client_id)
            yield from _unless_equal("money pays its own currency", about, source.currency, row.invoice.currency)


def _payments() -> Iterator[Mismatch]:
    live = _sums(Allocation.objects.filter(payment__isnull=False), "live_minor", "payment")
    refunded = _sums(Refund.objects.counting(), "amount_minor", "payment")
    lost = _sums(Dispute.objects.all(), "lost_minor", "payment")
    for payment in Payment.objects.select_related("practice", "attempt").order_by("id").iterator(chunk_size=1000):
        about, pk = f"payment {payment.ref}", payment.pk
        yield from _unless_equal("allocated is what allocations say", about, payment.allocated_minor, live[pk])
        yield from _unless_equal("refunded is what refunds say", about, payment.refunded_minor, refunded[pk])
        yield from _unless_equal("lost is what disputes say", about, payment.disputed_minor, lost[pk])
        if live[pk] + refunded[pk] + lost[pk] > payment.amount_minor:
            spent = live[pk] + refunded[pk] + lost[pk]
            yield Mismatch("no payment is spent twice", about, str(payment.amount_minor), str(spent))
        if payment.is_taken_back and live[pk]:
            yield Mismatch("what was taken back pays nothing", about, "0", str(live[pk]))
        yield from _unless_equal("the books are in one currency", about, payment.currency, payment.practice.currency)
        if payment.kind == PaymentKind.ONLINE and not payment.stripe_charge_id:
            yield Mismatch("every online payment has its charge", about, "", "a charge")
        if (attempt := payment.attempt) is not None:
            yield from _unless_equal("a payment's attempt succeeded", about, attempt.state, AttemptState.SUCCEEDED)
            yield from _unless_equal(
                "a payment is what its attempt asked for", about, payment.amount_minor, attempt.amount_minor
            )


def _credits() -> Iterator[Mismatch]:
    live = _sums(Allocation.objects.filter(credit__isnull=False), "live_minor", "credit")
    for credit in Credit.objects.order_by("id").iterator(chunk_size=1000):
        about = f"credit {credit.ref}"
        yield from _unless_equal("allocated is what allocations say", about, credit.allocated_minor, live[credit.pk])
        if live[credit.pk] > (0 if credit.is_taken_back else credit.amount_minor):
            yield Mismatch("no credit is spent twice", about, str(credit.amount_minor), str(live[credit.pk]))


def _refunds() -> Iterator[Mismatch]:
    live = Reversal.objects.filter(refund__isnull=False, undone_at=None)
    reversed_by = _sums(live, "amount_minor", "refund")
    reversed_at = _sums(live, "amount_minor", "refund", "allocation__invoice")
    noted = _sums(CreditNote.objects.filter(undone_at=None), "amount_minor", "refund", "invoice")
    refs = {}
    for refund in Refund.objects.order_by("id").iterator(chunk_size=1000):
        about = refs[refund.pk] = f"refund {refund.ref}"
        most = 0 if refund.state == RefundState.FAILED else refund.amount_minor
        if reversed_by[refund.pk] > most:
            yield Mismatch("a refund reverses no more than it gave back", about, str(most), str(reversed_by[refund.pk]))
    for pair in reversed_at.keys() | noted.keys():
        yield from _unless_equal(
            "what a refund reverses it credits", refs.get(pair[0], pair[0]), noted[pair], reversed_at[pair]
        )


def _disputes() -> Iterator[Mismatch]:
    reversed_by = _sums(Reversal.objects.filter(dispute__isnull=False, undone_at=None), "amount_minor", "dispute")
    for dispute in Dispute.objects.order_by("id").iterator(chunk_size=1000):
        if reversed_by[dispute.pk] > dispute.lost_minor:
            about = f"dispute {dispute.ref}"
            rule = "a dispute reverses no more than was lost"
            yield Mismatch(rule, about, str(dispute.lost_minor), str(reversed_by[dispute.pk]))


def _attempts() -> Iterator[Mismatch]:
    covered = _sums(AttemptInvoice.objects.all(), "amount_minor", "attempt")
    holding = set(AttemptInvoice.objects.filter(is_open=True).values_list("attempt", flat=True))
    strangers = set(
        AttemptInvoice.objects.exclude(invoice__client=F("attempt__client")).values_list("attempt", flat=True)
    )
    payments = Counter(Payment.objects.filter(attempt__isnull=False).values_list("attempt", flat=True))
    for attempt in PaymentAttempt.objects.order_by("id").iterator(chunk_size=1000):
        about, pk = f"attempt {attempt.ref}", attempt.pk
        yield from _unless_equal("an attempt asks for what it covers", about, attempt.amount_minor, covered[pk])
        yield from _unless_equal(
            "an attempt holds its invoices while it is open", about, pk in holding, attempt.state in HOLDING
        )
        wanted = 1 if attempt.state == AttemptState.SUCCEEDED else 0
        yield from _unless_equal("a success has exactly one payment", about, payments[pk], wanted)
        if pk in strangers:
            yield Mismatch("an attempt pays its own client's invoices", about, "another client's", "its own")


def _numbers(
    rule: str, rows: QuerySet[Any], counters: type[InvoiceCounter | ReceiptCounter]
) -> Iterator[Mismatch]:  # Any: invoices or payments.
    given = Counter(rows.values_list("practice", flat=True))
    highest = dict(rows.order_by().values("practice").annotate(last=Max("number")).values_list("practice", "last"))
    nexts = dict(counters.objects.values_list("practice", "next_number"))
    for practice in given.keys() | nexts.keys():
        about = f"practice {practice}"
        yield from _unless_equal(rule, about, highest.get(practice) or 0, given[practice])
        yield from _unless_equal(rule, about, nexts.get(practice, 1), given[practice] + 1)


def _balances() -> Iterator[Mismatch]:
    """Money is neither made nor lost: a balance is what was billed, less what came, plus what went back."""
    standing = Q(issued_at__isnull=False, voided_at=None)
    billed = _sums(Invoice.objects.filter(standing), "total_minor", "client")
    notes = CreditNote.objects.filter(undone_at=None, invoice__issued_at__isnull=False, invoice__voided_at=None)
    noted = _sums(notes, "amount_minor", "invoice__client")
    came = _sums(Payment.objects.counting(), "amount_minor", "client")
    given = _sums(Credit.objects.counting(), "amount_minor", "client")
    back = _sums(Refund.objects.counting().filter(payment__taken_back_at=None), "amount_minor", "payment__client")
    lost = _sums(Dispute.objects.filter(payment__taken_back_at=None), "lost_minor", "payment__client")
    touched = billed.keys() | came.keys() | given.keys()
    for client in Client.objects.select_related("practice").filter(pk__in=touched).order_by("id").iterator(1000):
        pk = client.pk
        computed = billed[pk] - noted[pk] - came[pk] - given[pk] + back[pk] + lost[pk]
        stored = balances.office(client).office_minor
        yield from _unless_equal("a balance is what came and went", f"client {client.ref}", stored, computed)
