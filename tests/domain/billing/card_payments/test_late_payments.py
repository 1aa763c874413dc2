"""Payments that arrive late, twice or with another amount: none is lost or counted twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.billing.card_payments import polling, settlement
from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt
from portico.domain.billing.stripe_sync import manual_release, payments_in_review
from portico.domain.clients.models import Client
from portico.plumbing.inbound_events import EventResult
from tests import cast
from tests.domain.billing.desk_sessions import event, fresh, state
from tests.support import card_payments
from tests.support.card_payments import Till
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


def whole(attempt: PaymentAttempt) -> PaymentAttempt:
    return PaymentAttempt.objects.select_related("client__practice", "practice", "account", "card").get(pk=attempt.pk)


def test_a_second_payment_becomes_credit_to_refund(till: Till, ana: Client, bill: Invoice) -> None:
    """Leaves the first page open, as if expiring it at Stripe had failed."""
    first = till.start(ana, bill)
    settlement.end(first, AttemptState.EXPIRED)
    second = till.start(ana, bill)
    for attempt in (second, first):
        till.type_card(attempt)
        polling.poll(whole(attempt))
    assert (len(till.book), Payment.objects.count(), fresh(bill).is_paid) == (2, 2, True)
    (asked,) = payments_in_review.refunds_requested(till.practice)
    assert (asked.attempt, asked.unused_minor) == (first, 14_000)
    # Flagged credit does not pay the next bill either.
    assert cast.bill(ana).still_open_minor == 14_000


def turned_off(person: Client, **off: bool) -> None:
    wanted = {"enabled": True, "access_billing_documents": True, "pay_by_card": True} | off
    entry = AccessInput(address=cast.entry_for(person).address, **wanted)
    access_grants.save_access(person, entry, version=None, by=cast.DESK)


OFF: dict[str, Callable[[Client], object]] = {
    "cards": lambda person: turned_off(person, pay_by_card=False),
    "bills": lambda person: turned_off(person, access_billing_documents=False),
    "the portal": lambda person: turned_off(person, enabled=False),
    "the client": lambda person: client_changes.archive(person, by=cast.DESK),
}


@pytest.mark.parametrize("what", OFF)
def test_turning_the_option_off_expires_the_open_page(till: Till, ana: Client, bill: Invoice, what: str) -> None:
    attempt = till.start(ana, bill)
    assert not polling.expire_unwanted()
    OFF[what](ana)
    assert polling.expire_unwanted()
    assert polling.poll_next()
    assert state(attempt) == AttemptState.EXPIRED
    assert till.stripe.find("checkout.session", attempt.checkout_session_id)["status"] == "expired"


@pytest.mark.parametrize("what", OFF)
def test_a_payment_before_turning_off_is_settled(till: Till, ana: Client, bill: Invoice, what: str) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    OFF[what](ana)
    polling.expire_unwanted()
    assert polling.poll_next()
    payment = Payment.objects.get(attempt=attempt)
    assert (fresh(bill).is_paid, payment.unused_minor, payment.refund_requested_at) == (True, 0, None)


MISMATCHES: dict[str, dict[str, object]] = {
    "amount": {"amount_total": 13_999},
    "currency": {"currency": "eur"},
    "mode": {"livemode": True},
}


@pytest.mark.parametrize("what", MISMATCHES)
def test_a_mismatch_is_quarantined_and_reported(till: Till, ana: Client, bill: Invoice, what: str) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    data = till.stripe.account_data()
    data.save(data.get("checkout.session", attempt.checkout_session_id) | MISMATCHES[what])
    for _time in range(2):
        assert card_payments.process(event(till, "checkout.session", attempt.checkout_session_id)) is EventResult.DONE
    assert (state(attempt), Payment.objects.count(), fresh(bill).is_processing) == (AttemptState.QUARANTINED, 0, True)
    assert list(payments_in_review.attempts_in_review(till.practice)) == [attempt]


def test_a_released_mismatch_becomes_credit_to_refund(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    data = till.stripe.account_data()
    (intent,) = data.all("payment_intent")
    data.save(intent | {"amount": 13_999, "amount_received": 13_999})
    polling.poll(attempt)
    assert state(attempt) == AttemptState.QUARANTINED
    time_machine.move_to(NOW + timedelta(hours=25))
    manual_release.release(attempt, reason="Looked at it in Stripe", shown=None, by=cast.DESK)
    for _time in range(2):
        card_payments.process(event(till, "payment_intent", intent["id"]))
    payment = Payment.objects.get()
    assert (payment.amount_minor, payment.unused_minor, payment.refund_requested_at is not None) == (
        13_999,
        13_999,
        True,
    )
    assert (state(attempt), fresh(bill).still_open_minor) == (AttemptState.RELEASED, 14_000)
