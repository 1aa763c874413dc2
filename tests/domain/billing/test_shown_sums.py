"""Comparing shown sums under the lock, with concurrent calls; and what happens without the comparison."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Event

import pytest

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.card_payments import cancellation, polling
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import balances, verification
from portico.domain.billing.models import Invoice, Payment, PaymentKind
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.billing.shown_sums import ShownSums, ShownSumsChanged
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.card_payments import Till

CASH = PaymentInput(PaymentKind.CASH, 5_000, clock.today("UTC"))


@pytest.mark.django_db
def test_office_minor_equals_the_office_account(ana: Client) -> None:
    cast.bill(ana, 14_000)
    cast.bill(ana, 3_000, shared=False)
    invoicing.void(cast.bill(ana, 700), reason="Created by mistake", shown=None, by=cast.DESK)
    for number in range(3):
        assert balances.office_minor(ana) == balances.office_account(ana).office_minor
        cast.cash(ana, 9_000)
        account_credits.give(ana, amount_minor=1_000 + number, reason="Goodwill", shown=None, by=cast.DESK)
    assert balances.office_minor(ana) == balances.office_account(ana).office_minor == 17_000 - 27_000 - 3_003


@pytest.mark.parametrize("text", ["", "total", "paid=", "paid=1x", f"paid={'9' * 19}", "unpaid=5", "paid=٣"])
def test_a_malformed_text_has_no_sums(text: str) -> None:
    assert ShownSums(text).amount("paid") is None


Operation = Callable[[Client, ShownSums | None], object]


def record(ana: Client, shown: ShownSums | None) -> object:
    return manual_payments.record(ana, CASH, shown=shown, by=cast.DESK)


def give(ana: Client, shown: ShownSums | None) -> object:
    return account_credits.give(ana, amount_minor=5_000, reason="Goodwill", shown=shown, by=cast.DESK)


def refund(ana: Client, shown: ShownSums | None) -> object:
    paid = Payment.objects.get()
    return refunds.record_manual_refund(paid, amount_minor=2_000, reason="Too much", shown=shown, by=cast.DESK)


def pay_an_invoice(ana: Client, shown: ShownSums | None) -> object:
    return manual_payments.record(ana, CASH, invoice=Invoice.objects.get(), shown=shown, by=cast.DESK)


def balance(ana: Client) -> ShownSums:
    return shown_sums.of_balance(balances.office_minor(ana))


def refundable(ana: Client) -> ShownSums:
    cast.cash(ana, 14_000)
    return shown_sums.of_refund(Payment.objects.with_disputes().get())


def billed(ana: Client) -> ShownSums:
    return shown_sums.of_invoice(cast.bill(ana, 90_000))


OPERATIONS = pytest.mark.parametrize(
    ("operation", "read_sums", "action"),
    [
        (record, balance, AuditAction.PAYMENT_RECORDED),
        (pay_an_invoice, billed, AuditAction.PAYMENT_RECORDED),
        (give, balance, AuditAction.CREDIT_GIVEN),
        (refund, refundable, AuditAction.REFUND_RECORDED),
    ],
)


@OPERATIONS
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_concurrent_calls_with_equal_sums_one_acts(
    ana: Client, operation: Operation, read_sums: Callable[[Client], ShownSums], action: AuditAction
) -> None:
    shown = read_sums(ana)
    before = AuditEntry.objects.filter(action=action).count()
    results = at_once(*[partial(operation, ana, shown)] * HANDS)
    assert errors(results) == [ShownSumsChanged] * (HANDS - 1)
    assert AuditEntry.objects.filter(action=action).count() == before + 1
    assert list(verification.mismatches()) == []


@OPERATIONS
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_comparison_all_calls_act(
    ana: Client, operation: Operation, read_sums: Callable[[Client], ShownSums], action: AuditAction
) -> None:
    read_sums(ana)
    before = AuditEntry.objects.filter(action=action).count()
    assert errors(at_once(*[partial(operation, ana, None)] * HANDS)) == []
    assert AuditEntry.objects.filter(action=action).count() == before + HANDS


def void(bill: Invoice, shown: ShownSums | None) -> Invoice:
    return cancellation.retry_after_cancelling(
        [bill], lambda: invoicing.void(bill, reason="Created by mistake", shown=shown, by=cast.DESK)
    )


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_invoice_paid_during_voiding_is_not_voided(till: Till, ana: Client) -> None:
    for _round in range(4):
        bill = cast.bill(ana)
        shown = shown_sums.of_invoice(bill)
        attempt = till.start(ana, bill)
        till.type_card(attempt)
        results = at_once(partial(void, bill, shown), partial(polling.poll, attempt))
        bill.refresh_from_db()
        assert errors(results) == [ShownSumsChanged]
        assert (bill.is_void, bill.is_paid) == (False, True)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_paid_invoice_is_voided(ana: Client) -> None:
    bill = cast.bill(ana)
    shown, has_read, is_paid = shown_sums.of_invoice(bill), Event(), Event()

    def void_without_lock() -> None:
        shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(Invoice.objects.get(pk=bill.pk)))
        has_read.set()
        assert is_paid.wait(30)
        void(bill, None)

    def pay() -> None:
        assert has_read.wait(30)
        cast.cash(ana, 14_000, invoice=bill)
        is_paid.set()

    assert errors(at_once(void_without_lock, pay)) == []
    entry = AuditEntry.objects.get(action=AuditAction.INVOICE_VOIDED)
    assert entry.details["became_credit_minor"] == 14_000


@pytest.mark.django_db
def test_an_invoice_that_stripe_reports_paid_is_not_voided(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    shown = shown_sums.of_invoice(bill)
    till.type_card(till.start(ana, bill))
    with pytest.raises(ShownSumsChanged, match="This invoice has been paid since you opened this page"):
        void(bill, shown)
    bill.refresh_from_db()
    assert (bill.is_void, bill.is_paid) == (False, True)


@pytest.mark.django_db
def test_an_invoice_paid_at_stripe_takes_no_cash(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    shown = shown_sums.of_invoice(bill)
    till.type_card(till.start(ana, bill))
    with pytest.raises(ShownSumsChanged):
        cancellation.retry_after_cancelling(
            [bill],
            lambda: manual_payments.record(ana, CASH, invoice=bill, shown=shown, by=cast.DESK, form_key="k" * 43),
        )
    assert Payment.objects.get().is_online


@pytest.mark.django_db
def test_changed_sums_cancel_no_payment_attempt(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    attempt = till.start(ana, bill)
    with pytest.raises(ShownSumsChanged):
        void(bill, replace(shown_sums.of_invoice(bill), text="total=14000 paid=1 credited=0"))
    attempt.refresh_from_db()
    assert attempt.holds_invoices
