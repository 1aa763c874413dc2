"""Payments, credit and refunds: both balances afterwards, with the ledger verified after each test."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import allocation, balances, verification
from portico.domain.billing.ledger.locks import lock_books
from portico.domain.billing.models import (
    Allocation,
    AttemptState,
    Dispute,
    DisputeState,
    Invoice,
    Payment,
    PaymentKind,
    Refund,
    RefundMethod,
    RefundState,
)
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.billing.refusals import (
    AmountNotPositive,
    BeingPaid,
    ChargedOnline,
    ExceedsRefundableAmount,
    HasRefunds,
    InvoicePaid,
    PaidByCard,
    Processing,
    ReasonMissing,
    TakenBack,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture(autouse=True)
def verified_ledger(db: None) -> Iterator[None]:
    yield
    assert list(verification.mismatches()) == []


def amounts(invoice: Invoice) -> tuple[int, int, int]:
    invoice.refresh_from_db()
    return invoice.paid_minor, invoice.credited_minor, invoice.still_open_minor


def test_cash_for_an_invoice_pays_it(ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.cash(ana, 14_000, invoice=invoice)
    invoice.refresh_from_db()
    assert (invoice.is_paid, payment.number, balances.office_account(ana).office_minor) == (True, 1, 0)


def test_a_partly_paid_invoice_stays_unpaid(ana: Client) -> None:
    invoice = cast.bill(ana, 28_000)
    cast.cash(ana, 14_000, invoice=invoice)
    invoice.refresh_from_db()
    assert (invoice.is_paid, invoice.is_partly_paid, invoice.still_open_minor) == (False, True, 14_000)


def test_an_overpayment_pays_the_earliest_due_invoices(ana: Client) -> None:
    today = clock.today(ana.practice.time_zone)
    first = cast.bill(ana, 10_000)
    later = cast.bill(ana, 10_000, due_on=today + timedelta(days=30))
    sooner = cast.bill(ana, 10_000, due_on=today + timedelta(days=20))
    cast.cash(ana, 25_000, invoice=first)
    assert [amounts(each)[2] for each in (first, sooner, later)] == [0, 0, 5_000]


def test_an_account_payment_pays_shared_invoices_only(ana: Client) -> None:
    hidden, shown = cast.bill(ana, shared=False), cast.bill(ana)
    cast.cash(ana, 20_000)
    assert amounts(shown)[2] == 0
    assert amounts(hidden)[2] == 14_000
    account = balances.office_account(ana)
    assert (account.unused_minor, account.office_minor) == (6_000, 8_000)
    assert balances.portal_account(ana).portal_minor == -6_000


def test_sharing_applies_credit_and_unsharing_releases_it(ana: Client) -> None:
    cast.cash(ana, 10_000)
    invoice = cast.bill(ana)
    assert amounts(invoice) == (10_000, 0, 4_000)
    invoice_sharing.unshare(invoice, shown=None, by=cast.DESK)
    assert amounts(invoice) == (0, 0, 14_000)
    assert balances.office_account(ana).unused_minor == 10_000


def test_unsharing_keeps_payments_for_the_invoice(ana: Client) -> None:
    invoice = cast.bill(ana)
    cast.cash(ana, 5_000, invoice=invoice)
    invoice_sharing.unshare(invoice, shown=None, by=cast.DESK)
    assert amounts(invoice) == (5_000, 0, 9_000)


def test_an_invoice_paid_by_card_stays_shared(ana: Client) -> None:
    invoice = cast.bill(ana)
    cast.charged(cast.attempt(invoice))
    with pytest.raises(PaidByCard):
        invoice_sharing.unshare(invoice, shown=None, by=cast.DESK)


def test_credit_is_applied_when_an_open_attempt_ends(ana: Client) -> None:
    invoice = cast.bill(ana)
    attempt = cast.attempt(invoice)
    account_credits.give(ana, amount_minor=4_000, reason="Goodwill", shown=None, by=cast.DESK)
    assert amounts(invoice)[2] == 14_000
    with lock_books(ana):
        allocation.end_attempt(attempt, AttemptState.EXPIRED, by=cast.DESK)
    assert amounts(invoice)[2] == 10_000


def test_one_invoice_has_one_open_attempt(ana: Client) -> None:
    one, two = cast.bill(ana), cast.bill(ana)
    cast.attempt(one)
    with pytest.raises(IntegrityError), transaction.atomic():
        cast.attempt(one, two)


def test_a_processing_invoice_is_not_in_the_portal_balance(ana: Client) -> None:
    cast.bill(ana)
    cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING)
    account = balances.portal_account(ana)
    assert (account.portal_minor, account.processing_minor) == (14_000, 14_000)
    assert balances.office_account(ana).office_minor == 28_000


def test_an_unfinished_checkout_stays_in_the_balance(ana: Client) -> None:
    cast.attempt(cast.bill(ana))
    assert balances.portal_account(ana).portal_minor == 14_000


@pytest.mark.parametrize(("state", "refusal"), [(AttemptState.OPEN, BeingPaid), (AttemptState.PROCESSING, Processing)])
def test_cash_is_refused_during_a_card_payment(ana: Client, state: AttemptState, refusal: type[Exception]) -> None:
    invoice = cast.bill(ana)
    cast.attempt(invoice, state=state)
    with pytest.raises(refusal):
        cast.cash(ana, 14_000, invoice=invoice)
    assert not Payment.objects.exists()


def test_a_late_success_after_cash_becomes_credit(ana: Client) -> None:
    invoice, other = cast.bill(ana), cast.bill(ana)
    attempt = cast.attempt(invoice)
    with lock_books(ana):
        attempt.covers.update(is_open=False)
    cast.cash(ana, 14_000, invoice=invoice)
    payment = cast.charged(attempt)
    assert amounts(invoice)[0] == 14_000
    assert payment.allocations.get().invoice == other
    assert balances.office_account(ana).office_minor == 0


def test_a_paid_invoice_takes_no_payment(ana: Client) -> None:
    invoice = cast.bill(ana)
    cast.cash(ana, 14_000, invoice=invoice)
    with pytest.raises(InvoicePaid):
        cast.cash(ana, 1, invoice=invoice)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_payment_must_be_positive(ana: Client, amount: int) -> None:
    with pytest.raises(AmountNotPositive):
        cast.cash(ana, amount)


def test_one_form_key_records_one_payment(ana: Client) -> None:
    entry = PaymentInput(PaymentKind.CHECK, 5_000, clock.today("UTC"), check_number="1182")
    first = manual_payments.record(ana, entry, form_key="k" * 43, shown=None, by=cast.DESK)
    assert manual_payments.record(ana, entry, form_key="k" * 43, shown=None, by=cast.DESK) == first
    assert first.check_number == "1182"


def test_an_online_charge_is_never_recorded_by_hand(ana: Client) -> None:
    entry = PaymentInput(PaymentKind.ONLINE, 5_000, clock.today("UTC"))
    with pytest.raises(ChargedOnline):
        manual_payments.record(ana, entry, shown=None, by=cast.DESK)


def test_a_payment_taken_back_is_owed_again(ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.cash(ana, 20_000, invoice=invoice)
    manual_payments.take_back(payment, reason="The check bounced", shown=None, by=cast.DESK)
    manual_payments.take_back(payment, reason="Again", shown=None, by=cast.DESK)
    assert amounts(invoice) == (0, 0, 14_000)
    assert balances.office_account(ana).office_minor == 14_000
    payment.refresh_from_db()
    assert payment.taken_back_reason == "The check bounced"


def test_an_online_charge_cannot_be_taken_back(ana: Client) -> None:
    payment = cast.charged(cast.attempt(cast.bill(ana)))
    with pytest.raises(ChargedOnline):
        manual_payments.take_back(payment, reason="x", shown=None, by=cast.DESK)
    with pytest.raises(ChargedOnline):
        refunds.record_manual_refund(payment, amount_minor=1, reason="x", shown=None, by=cast.DESK)


def test_a_manual_refund_leaves_the_invoice_paid(ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.cash(ana, 14_000, invoice=invoice)
    refund = refunds.record_manual_refund(payment, amount_minor=4_000, reason="Wrong price", shown=None, by=cast.DESK)
    assert refund.state == RefundState.SUCCEEDED
    assert amounts(invoice) == (10_000, 4_000, 0)
    assert balances.office_account(ana).office_minor == 0


def test_a_refund_uses_the_unused_amount_first(ana: Client) -> None:
    invoice = cast.bill(ana, 10_000)
    payment = cast.cash(ana, 14_000, invoice=invoice)
    refunds.record_manual_refund(payment, amount_minor=5_000, reason="Paid twice", shown=None, by=cast.DESK)
    assert amounts(invoice) == (9_000, 1_000, 0)
    assert balances.office_account(ana).office_minor == 0


def test_no_refund_exceeds_the_refundable_amount(ana: Client) -> None:
    payment = cast.cash(ana, 10_000)
    refunds.record_manual_refund(payment, amount_minor=6_000, reason="x", shown=None, by=cast.DESK)
    with pytest.raises(ExceedsRefundableAmount):
        refunds.record_manual_refund(payment, amount_minor=4_001, reason="x", shown=None, by=cast.DESK)
    with pytest.raises(HasRefunds):
        manual_payments.take_back(payment, reason="x", shown=None, by=cast.DESK)


def test_a_payment_taken_back_is_not_refunded(ana: Client) -> None:
    payment = manual_payments.take_back(cast.cash(ana, 10_000), reason="x", shown=None, by=cast.DESK)
    with pytest.raises(TakenBack):
        refunds.record_manual_refund(payment, amount_minor=1, reason="x", shown=None, by=cast.DESK)


def open_stripe_refund(payment: Payment, amount: int) -> Refund:
    with lock_books(payment.client):
        locked = Payment.objects.locked().get(pk=payment.pk)
        return refunds.create_refund(locked, amount_minor=amount, method=RefundMethod.STRIPE, reason="x", by=cast.DESK)


def test_a_failed_refund_is_undone_once(ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.charged(cast.attempt(invoice))
    refund = open_stripe_refund(payment, 14_000)
    assert amounts(invoice) == (0, 14_000, 0)
    for _time in range(2):
        with lock_books(ana):
            allocation.undo_refund(refund, failure="expired_or_canceled_card", by=cast.DESK)
    assert amounts(invoice) == (14_000, 0, 0)
    payment.refresh_from_db()
    assert payment.left_minor == 14_000


def test_a_failed_refund_of_a_void_invoice_becomes_credit(ana: Client) -> None:
    invoice = cast.bill(ana)
    refund = open_stripe_refund(cast.charged(cast.attempt(invoice)), 5_000)
    invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
    assert balances.office_account(ana).unused_minor == 9_000
    with lock_books(ana):
        allocation.undo_refund(refund, failure="x", by=cast.DESK)
    assert balances.office_account(ana).unused_minor == 14_000


def test_a_lost_dispute_is_owed_again(ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.charged(cast.attempt(invoice))
    dispute = Dispute.objects.create(
        practice=ana.practice, payment=payment, stripe_dispute_id="dp_1", amount_minor=14_000, currency="USD"
    )
    dispute.state, dispute.closed_at = DisputeState.LOST, clock.now()
    with lock_books(ana):
        allocation.reverse_for_dispute(dispute)
    assert amounts(invoice) == (0, 0, 14_000)
    assert balances.office_account(ana).office_minor == 14_000


def test_flagged_credit_is_not_applied_until_it_is_kept(ana: Client) -> None:
    payment = cast.cash(ana, 14_000)
    account_credits.ask_for_refund(payment, reason="Paid twice")
    invoice = cast.bill(ana)
    assert amounts(invoice)[2] == 14_000
    assert balances.office_account(ana).office_minor == 0
    assert account_credits.keep_as_credit(payment, shown=None, by=cast.DESK) == 14_000
    assert account_credits.keep_as_credit(payment, shown=None, by=cast.DESK) == 0
    assert amounts(invoice)[2] == 0


def test_refunding_all_flagged_credit_clears_the_flag(ana: Client) -> None:
    payment = cast.cash(ana, 14_000)
    account_credits.ask_for_refund(payment, reason="Paid twice")
    refunds.record_manual_refund(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=cast.DESK)
    payment.refresh_from_db()
    assert payment.refund_requested_at is None


def test_giving_and_taking_back_credit(ana: Client) -> None:
    with pytest.raises(ReasonMissing):
        account_credits.give(ana, amount_minor=1, reason="", shown=None, by=cast.DESK)
    invoice = cast.bill(ana)
    credit = account_credits.give(ana, amount_minor=14_000, reason="Goodwill", shown=None, by=cast.DESK)
    assert amounts(invoice)[2] == 0
    account_credits.take_back(credit, reason="Added by mistake", shown=None, by=cast.DESK)
    assert amounts(invoice)[2] == 14_000


def test_money_never_pays_another_clients_invoice(ana: Client) -> None:
    carols = cast.bill(cast.carol(ana.practice))
    with pytest.raises(Invoice.DoesNotExist):
        cast.cash(ana, 14_000, invoice=carols)
    assert not Allocation.objects.exists()
