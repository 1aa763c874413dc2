"""Refunds, sent from here or made at Stripe, and disputes."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing.card_payments.payment_refusals import RefundRefused
from portico.domain.billing.models import Dispute, DisputeState, Invoice, Refund, RefundState
from portico.domain.billing.refusals import ExceedsRefundableAmount
from portico.domain.billing.stripe_sync import card_refunds, disputes
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import OutgoingEmail
from tests.cast import DESK
from tests.domain.billing.desk_sessions import event, fresh, paid
from tests.support import card_payments
from tests.support.card_payments import Till
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


def test_a_refunded_invoice_stays_paid(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    refund = card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=DESK, form_key="one")
    assert (
        card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=DESK, form_key="one").pk
        == refund.pk
    )
    assert (refund.state, till.book[0].refunded, fresh(bill).is_paid) == (RefundState.SUCCEEDED, 4_000, True)
    assert OutgoingEmail.objects.filter(kind="refund").count() == 1
    with pytest.raises(ExceedsRefundableAmount):
        card_refunds.send(payment, amount_minor=10_001, reason="Too much", shown=None, by=DESK)


@pytest.mark.parametrize("fault", ["lost", "500", "fail_after"])
def test_a_refund_with_a_lost_response_is_sent_once(till: Till, bill: Invoice, fault: str) -> None:
    payment = paid(till, bill)
    till.stripe.fault(fault, "/v1/refunds", method="POST")
    refund = card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=DESK)
    assert refund.state == RefundState.PENDING
    card_refunds.poll_pending()
    refund.refresh_from_db()
    assert (refund.state, till.book[0].refunded) == (RefundState.SUCCEEDED, 14_000)


def test_an_unsent_refund_is_undone_when_its_key_expires(till: Till, bill: Invoice, time_machine: Traveller) -> None:
    payment = paid(till, bill)
    till.stripe.fault("503", "/v1/refunds", method="POST")
    refund = card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=DESK)
    time_machine.move_to(NOW + timedelta(hours=24))
    card_refunds.poll_pending()
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, till.book[0].refunded) == (RefundState.FAILED, 0, 0)


def test_an_unsent_refund_yields_to_one_made_at_stripe(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.fault("503", "/v1/refunds", method="POST")
    refund = card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=DESK)
    till.stripe.refund(payment.stripe_charge_id)
    card_payments.process(event(till, "charge", payment.stripe_charge_id))
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, till.book[0].refunded) == (RefundState.FAILED, 14_000, 14_000)


def test_a_rejected_refund_is_undone(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.dispute(payment.stripe_charge_id)
    with pytest.raises(RefundRefused):
        card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=DESK)
    assert Refund.objects.get().state == RefundState.FAILED


def test_a_refund_made_at_stripe_is_recorded_and_undone(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    made = till.stripe.refund(payment.stripe_charge_id, amount=5_000)
    for _time in range(3):
        card_payments.process(event(till, "charge", payment.stripe_charge_id))
        card_payments.process(event(till, "refund", made))
    payment.refresh_from_db()
    assert payment.refunded_minor == 5_000
    till.stripe.end_refund(made, fails=True)
    card_payments.process(event(till, "refund", made))
    payment.refresh_from_db()
    assert (payment.refunded_minor, fresh(bill).is_paid) == (0, True)


@pytest.mark.parametrize("won", [True, False])
def test_only_a_lost_dispute_makes_the_invoice_owed(till: Till, bill: Invoice, *, won: bool) -> None:
    payment = paid(till, bill)
    opened = till.stripe.dispute(payment.stripe_charge_id)
    card_payments.process(event(till, "dispute", opened))
    assert fresh(bill).is_paid
    till.stripe.end_dispute(opened, won=won)
    for _time in range(2):
        card_payments.process(event(till, "dispute", opened))
    assert disputes.poll_open() == 0
    assert Dispute.objects.get().state == (DisputeState.WON if won else DisputeState.LOST)
    assert fresh(bill).still_open_minor == (0 if won else 14_000)


@pytest.mark.parametrize("heard_by", ["event", "worker"])
def test_an_unanswered_refund_yields_to_a_lost_dispute(till: Till, bill: Invoice, heard_by: str) -> None:
    payment = paid(till, bill)
    opened = till.stripe.dispute(payment.stripe_charge_id)
    card_payments.process(event(till, "dispute", opened))
    till.stripe.fault("lost", "/v1/refunds", method="POST")
    refund = card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=DESK)
    assert refund.state == RefundState.PENDING
    till.stripe.end_dispute(opened, won=False)
    if heard_by == "event":
        card_payments.process(event(till, "dispute", opened))
    else:
        disputes.poll_open()
    payment.refresh_from_db()
    refund.refresh_from_db()
    assert (refund.state, payment.refunded_minor, payment.disputed_minor) == (RefundState.FAILED, 0, 14_000)
    assert fresh(bill).still_open_minor == 14_000


@pytest.mark.parametrize("gone", ["refunded", "disputed"])
def test_an_impossible_unanswered_refund_is_undone(till: Till, bill: Invoice, gone: str) -> None:
    """Repeating it with its key would only return the same empty response."""
    payment = paid(till, bill)
    if gone == "refunded":
        till.stripe.refund(payment.stripe_charge_id)
    else:
        till.stripe.end_dispute(till.stripe.dispute(payment.stripe_charge_id), won=False)
    till.stripe.fault("fail_after", "/v1/refunds", method="POST")
    refund = card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=DESK)
    assert refund.state == RefundState.PENDING
    assert card_payments.process(event(till, "charge", payment.stripe_charge_id)) is EventResult.DONE
    refund.refresh_from_db()
    payment.refresh_from_db()
    wanted = (14_000, 0) if gone == "refunded" else (0, 14_000)
    assert (refund.state, payment.refunded_minor, payment.disputed_minor) == (RefundState.FAILED, *wanted)
