"""Polling of payments: the outcome is found and settled once, however late."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing.card_payments import polling, settlement
from portico.domain.billing.card_payments.payment_refusals import BooksBeingChecked, CannotBeReleased
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt, SavedCard
from portico.domain.billing.refusals import Processing
from portico.domain.billing.stripe_sync import manual_release, payments_in_review, reconciliation
from portico.domain.clients.models import Client
from portico.domain.practices import suspension
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import OutgoingEmail, Restoration
from tests import cast
from tests.cast import DESK
from tests.domain.billing.desk_sessions import event, fresh, paid, state
from tests.support import card_payments
from tests.support.card_payments import Till
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


@pytest.mark.parametrize("fault", ["lost", "half", "nonsense", "fail_after", "500", "503"])
def test_a_lost_response_is_processing_until_polled(
    till: Till, card: SavedCard, bill: Invoice, fault: str, time_machine: Traveller
) -> None:
    ana = bill.client
    till.stripe.fault(fault, "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    assert attempt.state == AttemptState.PROCESSING
    assert fresh(bill).is_processing
    with pytest.raises(Processing):
        till.charge(ana, card, bill)
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert polling.poll_next()
    assert state(attempt) == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


@pytest.mark.parametrize("fault", ["lost", "half", "500", "fail_after"])
def test_a_lost_checkout_response_allows_a_new_start(till: Till, ana: Client, bill: Invoice, fault: str) -> None:
    till.stripe.fault(fault, "/v1/checkout/sessions", method="POST")
    attempt = till.start(ana, bill)
    assert (attempt.state, attempt.checkout_url) == (AttemptState.OPEN, "")
    assert not fresh(bill).is_processing
    again = till.start(ana, bill)
    assert again.pk != attempt.pk
    assert again.checkout_url
    assert state(attempt) == AttemptState.EXPIRED
    till.type_card(again)
    polling.poll(again)
    assert fresh(bill).is_paid


def test_polling_finds_a_payment_without_an_event(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert polling.poll_next()
    assert fresh(bill).is_paid


def test_payments_of_a_suspended_practice_are_settled(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    left, told = till.start(ana, bill), till.start(ana, cast.bill(ana, 5_000))
    for attempt in (left, told):
        till.type_card(attempt)
    suspension.suspend(till.practice, by=DESK)
    assert card_payments.process(event(till, "checkout.session", told.checkout_session_id)) is EventResult.DONE
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert polling.poll_next()
    assert [state(attempt) for attempt in (left, told)] == [AttemptState.SUCCEEDED] * 2


def test_a_payment_is_settled_soon_after_an_outage(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, time_machine: Traveller
) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    till.charge(ana, card, bill)
    till.stripe.fault("503", times=999)
    for minute in range(1, 61):
        time_machine.move_to(NOW + timedelta(minutes=minute))
        polling.poll_next()
        assert fresh(bill).is_processing
    till.stripe.clear_faults()
    time_machine.move_to(NOW + timedelta(minutes=60, seconds=90))
    assert polling.poll_next()
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_an_abandoned_checkout_expires(till: Till, ana: Client, bill: Invoice, time_machine: Traveller) -> None:
    attempt = till.start(ana, bill)
    assert not fresh(bill).is_processing
    till.stripe.forward(46 * 60)
    time_machine.move_to(NOW + timedelta(minutes=46))
    assert polling.poll_next()
    assert (state(attempt), bill.attempts.filter(is_open=True).exists()) == (AttemptState.EXPIRED, False)


def test_events_settle_once_in_any_order(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    (charge,) = till.book
    things = [("payment_intent", charge.payment_intent), ("checkout.session", attempt.checkout_session_id)]
    for kind, id_ in (*things, *reversed(things), *things):
        assert card_payments.process(event(till, kind, id_)) is EventResult.DONE
    assert Payment.objects.count() == 1
    assert OutgoingEmail.objects.filter(kind="receipt").count() == 1


def test_an_event_before_the_response_finds_the_attempt(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("lost", "/v1/checkout/sessions", method="POST")
    attempt = till.start(ana, bill)
    (session,) = till.stripe.account_data().all("checkout.session")
    till.stripe.pay(session["id"])
    assert card_payments.process(event(till, "checkout.session", session["id"])) is EventResult.DONE
    assert state(attempt) == AttemptState.SUCCEEDED


def test_unknown_objects_are_retried_and_others_ignored(till: Till) -> None:
    assert card_payments.process(event(till, "payment_intent", "pi_unknown")) is EventResult.LATER
    assert card_payments.process(event(till, "customer", "cus_1")) is EventResult.IGNORED


def test_events_wait_during_an_outage(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.stripe.fault("503")
    assert card_payments.process(event(till, "checkout.session", attempt.checkout_session_id)) is EventResult.LATER


def test_a_late_payment_of_a_paid_invoice_becomes_credit(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    settlement.end(attempt, AttemptState.EXPIRED)
    cast.cash(ana, 14_000, invoice=fresh(bill))
    polling.poll(attempt)
    payment = Payment.objects.get(attempt=attempt)
    assert (payment.unused_minor, payment.refund_requested_at is not None) == (14_000, True)
    assert fresh(bill).is_paid


def test_a_late_payment_of_a_void_invoice_becomes_credit(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    settlement.end(attempt, AttemptState.EXPIRED)
    invoicing.void(fresh(bill), reason="Wrong price", shown=None, by=DESK)
    polling.poll(attempt)
    assert Payment.objects.get().unused_minor == 14_000


def test_a_paid_attempt_is_never_downgraded(till: Till, ana: Client, bill: Invoice) -> None:
    payment = paid(till, bill)
    assert payment.attempt is not None
    settlement.end(payment.attempt, AttemptState.FAILED, reason="expired_card")
    assert (state(payment.attempt), fresh(bill).is_paid) == (AttemptState.SUCCEEDED, True)


def test_a_wrong_amount_is_quarantined(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(livemode=False, currency="EUR")
    polling.poll(PaymentAttempt.objects.select_related("client__practice", "practice", "account").get(pk=attempt.pk))
    assert (state(attempt), Payment.objects.count()) == (AttemptState.QUARANTINED, 0)
    assert fresh(bill).is_processing
    assert list(payments_in_review.attempts_in_review(till.practice)) == [attempt]
    PaymentAttempt.objects.filter(pk=attempt.pk).update(currency="USD")


def test_an_unknown_outcome_can_be_released_after_a_day(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, time_machine: Traveller
) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    with pytest.raises(CannotBeReleased):
        manual_release.release(attempt, reason="Unknown outcome", shown=None, by=DESK)
    time_machine.move_to(NOW + timedelta(hours=25))
    manual_release.release(attempt, reason="The outcome is unknown", shown=None, by=DESK)
    assert not bill.attempts.filter(is_open=True).exists()
    polling.poll(
        PaymentAttempt.objects.select_related("client__practice", "practice", "account", "card").get(pk=attempt.pk)
    )
    payment = Payment.objects.get(attempt=attempt)
    assert (payment.unused_minor, payment.refund_requested_at is not None) == (14_000, True)


def test_a_lost_attempt_is_rebuilt_from_metadata(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    attempt.covers.all().delete()
    PaymentAttempt.objects.filter(pk=attempt.pk).delete()
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW - timedelta(minutes=5))
    with pytest.raises(BooksBeingChecked):
        till.start(ana, bill)
    since = reconciliation.since_of(till.practice)
    assert since is not None
    assert reconciliation.reconcile(till.practice, since=since, by=DESK).found == 1
    assert fresh(bill).is_paid
    assert reconciliation.reconcile(till.practice, since=since, by=DESK).found == 0
    assert reconciliation.since_of(till.practice) is None
