"""Payments that the cardholder's bank confirms or refuses."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing.card_payments import polling
from portico.domain.billing.models import AttemptState, Invoice, SavedCard
from portico.domain.clients.models import Client
from tests import cast
from tests.domain.billing.desk_sessions import fresh, saved_at_bank, state
from tests.support.card_payments import Till
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


def test_a_payment_is_confirmed_on_the_banks_page(till: Till, ana: Client, bill: Invoice) -> None:
    asks = saved_at_bank(till, ana)
    attempt = till.charge(ana, asks, bill)
    assert attempt.state == AttemptState.OPEN
    assert attempt.bank_url.startswith(till.stripe.url)
    till.stripe.answer_at_bank(attempt.payment_intent_id, accept=True)
    assert polling.poll(attempt).state == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid


def test_a_payment_refused_by_the_bank_fails(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.charge(ana, saved_at_bank(till, ana), bill)
    till.stripe.answer_at_bank(attempt.payment_intent_id, accept=False)
    assert polling.poll(attempt).state == AttemptState.FAILED


def test_an_unfinished_confirmation_is_cancelled(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.charge(ana, saved_at_bank(till, ana), bill)
    time_machine.move_to(NOW + timedelta(minutes=31))
    assert polling.poll_next()
    assert state(attempt) == AttemptState.EXPIRED
    assert till.stripe.find("payment_intent", attempt.payment_intent_id)["status"] == "canceled"


def test_a_declined_saved_card_shows_the_reason(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, cast.bill(ana, 1_000), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    kept = SavedCard.objects.get()
    data = till.stripe.account_data()
    data.save(data.get("payment_method", kept.payment_method_id) | {"_number": "4000000000000341"})
    declined = till.charge(ana, kept, bill)
    assert (declined.state, declined.reason) == (AttemptState.FAILED, "generic_decline")
    assert not bill.attempts.filter(is_open=True).exists()
