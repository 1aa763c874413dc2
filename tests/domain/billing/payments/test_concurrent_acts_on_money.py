"""Taking back, unsharing and using credit at the same time as another act; and what happens without the lock."""

from collections.abc import Callable
from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, transaction

from portico.domain.billing.card_payments.payment_refusals import NothingToPay
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import allocation
from portico.domain.billing.models import AttemptInvoice, Credit, Invoice, Payment, PaymentKind, Refund, RefundMethod
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.payments.manual_payments import InvoicePortion, PaymentInput
from portico.domain.billing.refusals import (
    BeingPaid,
    ExceedsInvoice,
    ExceedsRefundableAmount,
    HasRefunds,
    Processing,
    TakenBack,
)
from portico.domain.clients.models import Client
from portico.plumbing import clock
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.card_payments import Till

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_stay_right"),
]

ROUNDS = 3
HALF = HANDS // 2
AMOUNT = 14_000


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.objects.get(pk=invoice.pk)


def is_being_paid(invoice: Invoice) -> bool:
    return AttemptInvoice.objects.filter(invoice=invoice, is_open=True).exists()


def credited(ana: Client) -> Credit:
    return account_credits.give(ana, amount_minor=AMOUNT, reason="Goodwill", shown=None, by=cast.DESK)


def refund(payment: Payment) -> Refund:
    return refunds.record_manual_refund(payment, amount_minor=AMOUNT, reason="Paid twice", shown=None, by=cast.DESK)


def void(*bills: Invoice) -> None:
    for bill in bills:
        invoicing.void(bill, reason="The next round begins", shown=None, by=cast.DESK)


# A payment is taken back and refunded.


def test_a_payment_is_taken_back_or_refunded_and_never_both(ana: Client) -> None:
    for _round in range(ROUNDS):
        payment = cast.cash(ana, AMOUNT, invoice=cast.bill(ana))
        take_back = partial(manual_payments.take_back, payment, reason="Bounced", shown=None, by=cast.DESK)
        done = at_once(*[take_back] * HALF, *[partial(refund, payment)] * HALF)
        assert set(errors(done)) <= {HasRefunds, TakenBack, ExceedsRefundableAmount}
        payment.refresh_from_db()
        assert (payment.is_taken_back, payment.refunded_minor) in {(True, 0), (False, AMOUNT)}


def test_without_the_lock_a_second_check_refuses_the_refund(ana: Client) -> None:
    payment = cast.cash(ana, AMOUNT, invoice=cast.bill(ana))
    has_read, is_taken_back = Event(), Event()

    def refund_without_lock() -> None:
        with transaction.atomic():
            stale = Payment.objects.get(pk=payment.pk)
            has_read.set()
            assert is_taken_back.wait(30)
            refunds.create_refund(
                stale, amount_minor=AMOUNT, method=RefundMethod.BY_HAND, reason="Paid twice", by=cast.DESK
            )

    def take_back() -> None:
        assert has_read.wait(30)
        manual_payments.take_back(payment, reason="Bounced", shown=None, by=cast.DESK)
        is_taken_back.set()

    # The first check passed; the sums of the row, read again, refuse it.
    assert errors(at_once(refund_without_lock, take_back)) == [ExceedsRefundableAmount]


# Several payments are applied to the same invoice.


def test_payments_applied_to_one_invoice_at_once_never_exceed_it(ana: Client) -> None:
    bill = cast.bill(ana, AMOUNT)
    entry = PaymentInput(PaymentKind.CASH, 10_000, clock.today("UTC"), portions=(InvoicePortion(bill.pk, 10_000),))
    done = at_once(*[partial(manual_payments.record, ana, entry, shown=None, by=cast.DESK)] * HANDS)
    # What the first left open is less than the others want to apply.
    assert errors(done) == [ExceedsInvoice] * (HANDS - 1)
    assert fresh(bill).paid_minor == 10_000


def test_without_the_lock_a_constraint_refuses_an_overpaid_invoice(ana: Client) -> None:
    first, second, bill = cast.cash(ana, AMOUNT), cast.cash(ana, AMOUNT), cast.bill(ana, AMOUNT, shared=False)
    has_read, is_paid = Event(), Event()

    def read() -> None:
        has_read.set()
        assert is_paid.wait(30)

    def pay() -> None:
        assert has_read.wait(30)
        allocate_without_lock(second, bill, lambda: None)
        is_paid.set()

    assert errors(at_once(partial(allocate_without_lock, first, bill, read), pay)) == [IntegrityError]


# A payment is undone by its recorder while it is refunded.


def test_a_payment_is_undone_or_refunded_and_never_both(ana: Client) -> None:
    fay = cast.fay(ana.practice).actor
    entry = PaymentInput(PaymentKind.CASH, AMOUNT, clock.today("UTC"))
    for _round in range(ROUNDS):
        payment = manual_payments.record(ana, entry, shown=None, by=fay)
        undo = partial(manual_payments.take_back, payment, reason="By mistake", shown=None, by=fay, only_own=True)
        done = at_once(*[undo] * HALF, *[partial(refund, payment)] * HALF)
        assert set(errors(done)) <= {HasRefunds, TakenBack, ExceedsRefundableAmount}
        payment.refresh_from_db()
        assert (payment.is_taken_back, payment.refunded_minor) in {(True, 0), (False, AMOUNT)}


# A credit is taken back while it is applied to invoices that are shared.


def test_credit_that_is_taken_back_pays_nothing(ana: Client) -> None:
    for _round in range(ROUNDS):
        credit, bills = credited(ana), [cast.bill(ana, AMOUNT, shared=False) for _hand in range(HALF)]
        take_back = partial(account_credits.take_back, credit, reason="A mistake", shown=None, by=cast.DESK)
        share = [partial(invoice_sharing.share, bill, shown=None, by=cast.DESK) for bill in bills]
        assert errors(at_once(*[take_back] * HALF, *share)) == []
        credit.refresh_from_db()
        assert (credit.is_taken_back, credit.allocated_minor) == (True, 0)
        assert [fresh(bill).paid_minor for bill in bills] == [0] * HALF
        void(*bills)


def test_credit_pays_one_of_several_invoices_shared_at_once(ana: Client) -> None:
    for _round in range(ROUNDS):
        credit = credited(ana)
        bills = [cast.bill(ana, AMOUNT, shared=False) for _hand in range(HANDS)]
        share = [partial(invoice_sharing.share, bill, shown=None, by=cast.DESK) for bill in bills]
        assert errors(at_once(*share)) == []
        assert sum(fresh(bill).paid_minor for bill in bills) == AMOUNT
        account_credits.take_back(credit, reason="The next round begins", shown=None, by=cast.DESK)
        void(*bills)


def allocate_without_lock(source: Credit | Payment, bill: Invoice, read: Callable[[], object]) -> None:
    with transaction.atomic():
        stale = type(source)._base_manager.get(pk=source.pk)
        read()
        allocation._allocate(stale, bill, AMOUNT, from_credit=True)


def test_without_the_lock_a_constraint_refuses_credit_spent_twice(ana: Client) -> None:
    credit, bill, other = credited(ana), *(cast.bill(ana, AMOUNT, shared=False) for _bill in range(2))
    has_read, is_spent = Event(), Event()

    def read() -> None:
        has_read.set()
        assert is_spent.wait(30)

    def share() -> None:
        assert has_read.wait(30)
        invoice_sharing.share(other, shown=None, by=cast.DESK)
        is_spent.set()

    assert errors(at_once(partial(allocate_without_lock, credit, bill, read), share)) == [IntegrityError]


def test_without_the_lock_a_constraint_keeps_credit_taken_back(ana: Client) -> None:
    credit, bill = credited(ana), cast.bill(ana, AMOUNT, shared=False)
    has_read, is_taken_back = Event(), Event()

    def read() -> None:
        has_read.set()
        assert is_taken_back.wait(30)

    def take_back() -> None:
        assert has_read.wait(30)
        account_credits.take_back(credit, reason="A mistake", shown=None, by=cast.DESK)
        is_taken_back.set()

    assert errors(at_once(partial(allocate_without_lock, credit, bill, read), take_back)) == [IntegrityError]


# Money that was to be refunded is kept as credit while it is refunded.


def flagged(ana: Client) -> Payment:
    payment = cast.cash(ana, AMOUNT)
    with transaction.atomic():
        account_credits.ask_for_refund(payment, reason="Paid twice")
    return payment


def test_money_kept_as_credit_and_refunded_is_spent_once(ana: Client) -> None:
    for _round in range(ROUNDS):
        payment, bill = flagged(ana), cast.bill(ana)
        keep = partial(account_credits.keep_as_credit, payment, shown=None, by=cast.DESK)
        done = at_once(*[keep] * HALF, *[partial(refund, payment)] * HALF)
        assert errors(done) == [ExceedsRefundableAmount] * (HALF - 1)
        payment.refresh_from_db()
        assert (payment.refunded_minor, payment.allocated_minor) == (AMOUNT, 0)
        void(bill)


def test_without_the_lock_a_constraint_refuses_refunded_credit(ana: Client) -> None:
    payment, bill = flagged(ana), cast.bill(ana)
    has_read, is_refunded = Event(), Event()

    def read() -> None:
        has_read.set()
        assert is_refunded.wait(30)

    def send_back() -> None:
        assert has_read.wait(30)
        refund(payment)
        is_refunded.set()

    assert errors(at_once(partial(allocate_without_lock, payment, bill, read), send_back)) == [IntegrityError]


# An invoice is unshared while its client pays it by card.


def test_an_invoice_is_unshared_or_being_paid(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        bill = cast.bill(ana)
        unshare = partial(invoice_sharing.unshare, bill, shown=None, by=cast.DESK)
        done = at_once(*[unshare] * HALF, *[partial(till.start, ana, bill)] * HALF)
        assert set(errors(done)) <= {NothingToPay, BeingPaid, Processing}
        assert fresh(bill).is_shared is is_being_paid(bill)


def test_without_the_lock_an_unshared_invoice_is_being_paid(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    has_read, is_started = Event(), Event()

    def unshare_without_lock() -> None:
        stale = fresh(bill)
        assert not is_being_paid(bill)
        has_read.set()
        assert is_started.wait(30)
        stale.shared_at = None
        stale.save(update_fields=["shared_at"])

    def start() -> None:
        assert has_read.wait(30)
        till.start(ana, bill)
        is_started.set()

    assert errors(at_once(unshare_without_lock, start)) == []
    assert (fresh(bill).is_shared, is_being_paid(bill)) == (False, True)
