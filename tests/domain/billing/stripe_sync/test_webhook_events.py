"""Stripe reports a payment several times: an event about a settled one costs little."""

import pytest
from pytest_django import DjangoAssertNumQueries

from portico.domain.billing.card_payments import polling
from portico.domain.billing.models import Payment
from portico.domain.clients.models import Client
from portico.plumbing import clock, inbound_events
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import InboundEvent
from tests import cast
from tests.support import card_payments
from tests.support.card_payments import Till, let_pay

pytestmark = pytest.mark.django_db
# The practice's keys, the attempt with its relations, and the payment.
QUERIES = 3


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


def event_about(till: Till, intent_id: str) -> InboundEvent:
    inbound_events.store(
        till.practice,
        source="stripe",
        event_id=f"evt_{intent_id}",
        kind="payment_intent.succeeded",
        object_kind="payment_intent",
        object_id=intent_id,
        livemode=False,
        happened_at=clock.now(),
    )
    return InboundEvent.objects.select_related("practice").get(event_id=f"evt_{intent_id}")


def test_an_event_about_a_settled_payment_takes_three_queries(
    till: Till, ana: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    attempt = till.start(ana, cast.bill(ana))
    till.type_card(attempt)
    polling.poll(attempt)
    payment = Payment.objects.get()
    event = event_about(till, payment.payment_intent_id)
    with django_assert_num_queries(QUERIES):
        assert card_payments.process(event) is EventResult.DONE
    assert Payment.objects.get() == payment
