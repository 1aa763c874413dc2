"""`portico verify-ledger` names every rule that does not hold, and exits with 1."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from django.db.models import F, QuerySet
from pytest_django import DjangoDbBlocker

from portico.domain.billing.ledger import allocation
from portico.domain.billing.ledger.locks import lock_books
from portico.domain.billing.models import (
    Allocation,
    AttemptInvoice,
    AttemptState,
    Credit,
    CreditNote,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    Payment,
    PaymentAttempt,
    ReceiptCounter,
    Refund,
    RefundState,
    Reversal,
)
from portico.domain.billing.payments import account_credits, refunds
from portico.domain.clients.models import Client
from portico.plumbing import clock
from tests import cast
from tests.operating.commands.test_verifying import run
from tests.support.world import standing

pytestmark = pytest.mark.both_databases


@pytest.fixture(scope="module")
def ledger_of_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with standing(_write_ledger, django_db_blocker):
        yield


@pytest.fixture
def books(ledger_of_module: None, db: None) -> None:
    """A ledger with charged, processing, refunded, disputed, credited and unallocated amounts."""


def _write_ledger() -> None:
    practice = cast.alder()
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.charged(cast.attempt(cast.bill(ana)))
    cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING)
    refunds.record_manual_refund(
        cast.cash(ana, 9_000, invoice=cast.bill(ana)),
        amount_minor=2_000,
        reason="Wrong price",
        shown=None,
        by=cast.DESK,
    )
    carol = cast.carol(practice)
    cast.with_access(carol)
    _lost(cast.charged(cast.attempt(cast.bill(carol, 3_000))), 1_000)
    account_credits.give(carol, amount_minor=500, reason="Goodwill", shown=None, by=cast.DESK)
    cast.cash(carol, 5_000)


def _lost(payment: Payment, amount: int) -> None:
    dispute = Dispute.objects.create(
        practice=payment.practice, payment=payment, stripe_dispute_id="dp_1", amount_minor=amount, currency="USD"
    )
    dispute.state, dispute.closed_at = DisputeState.LOST, clock.now()
    with lock_books(payment.client):
        allocation.reverse_for_dispute(dispute)


def test_a_sound_ledger_passes(books: None) -> None:
    code, output = run("verify_ledger", "--json")
    report = json.loads(output)
    assert (code, report["sound"], report["invoices"], report["mismatches"]) == (0, True, 4, [])
    assert run("verify_ledger") == (0, "The ledger is correct: 4 invoices, 4 payments.\n")


@pytest.fixture
def no_database_checks(books: None) -> Iterator[None]:
    """The ledger in a database whose own constraints are switched off."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX billing_payment_one_a_charge")
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        yield
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


def record_one_charge_twice() -> None:
    payment = Payment.objects.get(pk=online_payments().order_by("id")[0].pk)
    payment.pk, payment.ref, payment.attempt, payment.number = None, "another", None, 5
    payment.save()
    ReceiptCounter.objects.update(next_number=6)


def online_payments() -> QuerySet[Payment]:
    return Payment.objects.filter(kind="online")


def refunded_payments() -> QuerySet[Payment]:
    return Payment.objects.filter(refunded_minor__gt=0)


# For each rule: the changes that break it, and the kind of row that must be named.
BROKEN: dict[str, list[tuple[Callable[[], object], str]]] = {
    "an invoice's total is the sum of its lines": [
        (lambda: InvoiceLine.objects.update(unit_minor=F("unit_minor") + 1), "invoice"),
        (lambda: Invoice.objects.update(total_minor=F("total_minor") + 1), "invoice"),
    ],
    "paid is what allocations say": [
        (lambda: Invoice.objects.filter(paid_minor__gt=0).update(paid_minor=F("paid_minor") - 1), "invoice"),
        (lambda: Allocation.objects.update(amount_minor=F("amount_minor") + 1), "invoice"),
    ],
    "credited is what credit notes say": [
        (lambda: Invoice.objects.update(credited_minor=F("credited_minor") + 1), "invoice"),
        (lambda: CreditNote.objects.update(undone_at=clock.now()), "invoice"),
    ],
    "no invoice is paid beyond its total": [
        (lambda: InvoiceLine.objects.update(unit_minor=1), "invoice"),
    ],
    "paid if and only if nothing is open": [
        (lambda: Invoice.objects.filter(number=1).update(paid_minor=0), "invoice"),
        (lambda: Invoice.objects.filter(number=2).update(paid_minor=14_000), "invoice"),
    ],
    "the books are in one currency": [
        (lambda: Payment.objects.update(currency="EUR"), "payment"),
        (lambda: Invoice.objects.update(currency="EUR"), "invoice"),
    ],
    "nothing stands against a draft or a void invoice": [
        (lambda: Invoice.objects.filter(number=1).update(voided_at=clock.now(), void_reason="x"), "invoice"),
        (lambda: Invoice.objects.filter(number=1).update(issued_at=None), "invoice"),
    ],
    "reversed is what reversals say": [
        (lambda: Reversal.objects.update(amount_minor=1), "allocation"),
        (lambda: Reversal.objects.update(undone_at=clock.now()), "allocation"),
        (lambda: Allocation.objects.update(reversed_minor=F("reversed_minor") + 1), "allocation"),
    ],
    "money pays its own client": [
        (lambda: Payment.objects.update(client=Client.objects.latest("id")), "allocation"),
        (lambda: Credit.objects.update(client=Client.objects.earliest("id")), "allocation"),
    ],
    "money pays its own currency": [
        (lambda: Credit.objects.update(currency="EUR"), "allocation"),
    ],
    "allocated is what allocations say": [
        (lambda: online_payments().update(allocated_minor=F("allocated_minor") - 1), "payment"),
        (lambda: Credit.objects.update(allocated_minor=0), "credit"),
    ],
    "refunded is what refunds say": [
        (lambda: refunded_payments().update(refunded_minor=1), "payment"),
        (lambda: Refund.objects.update(state=RefundState.FAILED), "payment"),
    ],
    "lost is what disputes say": [
        (lambda: Payment.objects.filter(disputed_minor__gt=0).update(disputed_minor=0), "payment"),
        (lambda: Dispute.objects.update(lost_minor=0), "payment"),
    ],
    "no payment is spent twice": [(lambda: online_payments().update(amount_minor=1), "payment")],
    "what was taken back pays nothing": [
        (lambda: refunded_payments().update(taken_back_at=clock.now(), taken_back_reason="x"), "payment"),
    ],
    "every online payment has its charge": [(lambda: online_payments().update(stripe_charge_id=""), "payment")],
    "every charge is one payment": [(record_one_charge_twice, "payment")],
    "a payment's attempt succeeded": [
        (lambda: PaymentAttempt.objects.update(state=AttemptState.FAILED), "payment"),
    ],
    "a payment is what its attempt asked for": [
        (lambda: online_payments().update(amount_minor=F("amount_minor") + 1), "payment"),
    ],
    "no credit is spent twice": [
        (lambda: Credit.objects.update(amount_minor=1), "credit"),
        (lambda: Credit.objects.update(taken_back_at=clock.now(), taken_back_reason="x"), "credit"),
    ],
    "a refund reverses no more than it gave back": [
        (lambda: Refund.objects.update(amount_minor=1), "refund"),
        (lambda: Refund.objects.update(state=RefundState.FAILED), "refund"),
    ],
    "what a refund reverses it credits": [
        (lambda: CreditNote.objects.update(amount_minor=1), "refund"),
        (lambda: CreditNote.objects.all().delete(), "refund"),
        (lambda: Reversal.objects.all().delete(), "refund"),
    ],
    "a dispute reverses no more than was lost": [
        (lambda: Dispute.objects.update(lost_minor=1), "dispute"),
    ],
    "an attempt asks for what it covers": [
        (lambda: PaymentAttempt.objects.update(amount_minor=1), "attempt"),
        (lambda: AttemptInvoice.objects.update(amount_minor=1), "attempt"),
    ],
    "an attempt holds its invoices while it is open": [
        (lambda: AttemptInvoice.objects.update(is_open=False), "attempt"),
        (lambda: PaymentAttempt.objects.filter(state="processing").update(state=AttemptState.FAILED), "attempt"),
    ],
    "a success has exactly one payment": [
        (lambda: PaymentAttempt.objects.filter(state="processing").update(state=AttemptState.SUCCEEDED), "attempt"),
        (lambda: online_payments().update(attempt=None), "attempt"),
        (lambda: PaymentAttempt.objects.filter(state="succeeded").update(state=AttemptState.EXPIRED), "attempt"),
    ],
    "an attempt pays its own client's invoices": [
        (lambda: PaymentAttempt.objects.update(client=Client.objects.latest("id")), "attempt"),
    ],
    "invoices are numbered without gaps": [
        (lambda: Invoice.objects.filter(number=2).update(number=9), "practice"),
        (lambda: InvoiceCounter.objects.update(next_number=3), "practice"),
    ],
    "receipts are numbered without gaps": [
        (lambda: Payment.objects.filter(number=2).update(number=9), "practice"),
        (lambda: ReceiptCounter.objects.update(next_number=3), "practice"),
    ],
    "a balance is what came and went": [
        (lambda: Invoice.objects.filter(number=1).update(paid_minor=0), "client"),
        (lambda: Payment.objects.update(allocated_minor=0), "client"),
        (lambda: Credit.objects.update(amount_minor=F("amount_minor") + 1, allocated_minor=0), "client"),
    ],
}


@pytest.mark.sqlite
@pytest.mark.parametrize("rule", BROKEN)
def test_an_altered_ledger_is_reported(no_database_checks: None, rule: str) -> None:
    for touch, about in BROKEN[rule]:
        with transaction.atomic():
            touch()
            code, output = run("verify_ledger", "--json")
            named = {
                each["about"].partition(" ")[0] for each in json.loads(output)["mismatches"] if each["rule"] == rule
            }
            assert (code, about in named) == (1, True), output
            assert rule in run("verify_ledger")[1]
            transaction.set_rollback(True)
