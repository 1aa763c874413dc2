"""Stripe objects that were deleted at Stripe: Portico replaces them and charges no one twice."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import cancellation, polling, saved_cards
from portico.domain.billing.card_payments.payment_refusals import CardNotFound
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt, SavedCard, StripeCustomer
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.clients.models import Client
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.domain.billing.desk_sessions import event, fresh, paid, saved, state
from tests.support import card_payments
from tests.support.card_payments import Till
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


def customer_of(till: Till) -> str:
    (found,) = till.stripe.account_data().all("customer")
    return str(found["id"])


def test_a_deleted_customer_is_replaced_during_payment(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    deleted = customer_of(till)
    till.stripe.delete_customer(deleted)
    attempt = till.start(ana, bill)
    assert attempt.checkout_url
    assert attempt.stripe_customer_id == customer_of(till) != deleted
    assert saved_cards.saved_cards_of(till.payer(ana).account) == []
    till.type_card(attempt)
    polling.poll(attempt)
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]
    entry = AuditEntry.objects.get(action=AuditAction.CARD_REMOVED)
    assert (entry.actor_name, entry.client_id) == ("Stripe", ana.pk)
    assert not AuditEntry.objects.filter(
        action__in=(AuditAction.PAYMENT_DECLINED, AuditAction.PAYMENT_REFUSED)
    ).exists()


def test_a_deleted_customer_keeps_its_row(till: Till, ana: Client, card: SavedCard) -> None:
    till.stripe.delete_customer(customer_of(till))
    paid(till, cast.bill(ana))
    paid(till, cast.bill(ana))
    gone, new = StripeCustomer.objects.order_by("id")
    assert (gone.gone_at is not None, new.gone_at) == (True, None)
    assert new.customer_id == customer_of(till)
    card.refresh_from_db()
    assert (card.customer_id, card.detached_at is not None) == (gone.pk, True)


def test_a_customer_can_be_deleted_repeatedly(till: Till, ana: Client) -> None:
    for _time in range(3):
        paid(till, cast.bill(ana))
        till.stripe.delete_customer(customer_of(till))
    assert till.start(ana, cast.bill(ana)).checkout_url
    assert StripeCustomer.objects.filter(gone_at=None).count() == 1


def test_a_card_of_a_deleted_customer_is_not_offered(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.stripe.delete_customer(customer_of(till))
    with pytest.raises(CardNotFound):
        till.charge(ana, card, bill)
    assert saved_cards.usable_cards(till.payer(ana).account, till.practice) == []
    assert not bill.attempts.filter(is_open=True).exists()
    assert till.start(ana, bill).checkout_url


@pytest.mark.parametrize("erased", [False, True])
def test_a_card_detached_at_stripe_is_not_offered(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, *, erased: bool
) -> None:
    if erased:
        till.stripe.erase("payment_method", card.payment_method_id)
    else:
        till.stripe.detach_card(card.payment_method_id)
    with pytest.raises(CardNotFound):
        till.charge(ana, card, bill)
    assert saved_cards.saved_cards_of(till.payer(ana).account) == []
    assert PaymentAttempt.objects.latest("id").state == AttemptState.EXPIRED
    assert [charge.amount for charge in till.book] == [1_000]
    assert till.start(ana, bill).stripe_customer_id == card.customer.customer_id


def test_an_unrelated_refusal_keeps_the_card(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.stripe.fault("refuse", "/v1/payment_intents", method="POST", code="amount_too_large", param="amount")
    with pytest.raises(Exception, match="too large"):
        till.charge(ana, card, bill)
    assert saved_cards.saved_cards_of(till.payer(ana).account) == [card]


def test_a_customer_deleted_event_removes_its_cards(till: Till, ana: Client, card: SavedCard) -> None:
    customer = customer_of(till)
    assert card_payments.process(event(till, "customer", customer, "customer.deleted")) is EventResult.DONE
    assert saved_cards.saved_cards_of(till.payer(ana).account) == [card]
    till.stripe.delete_customer(customer)
    assert card_payments.process(event(till, "customer", customer, "customer.deleted")) is EventResult.DONE
    assert saved_cards.saved_cards_of(till.payer(ana).account) == []


def test_a_deleted_checkout_session_holds_no_invoice(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.stripe.erase("checkout.session", attempt.checkout_session_id)
    assert polling.poll(attempt).state == AttemptState.EXPIRED
    again = till.start(ana, bill)
    till.stripe.erase("checkout.session", again.checkout_session_id)
    cancellation.cancel_open_attempts(bill)
    assert (state(again), bill.attempts.filter(is_open=True).exists()) == (AttemptState.EXPIRED, False)


def test_a_charge_of_a_deleted_customer_is_found(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, time_machine: Traveller
) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    assert attempt.state == AttemptState.PROCESSING
    till.stripe.delete_customer(customer_of(till))
    time_machine.move_to(NOW + timedelta(minutes=5))
    assert polling.poll(attempt).state == AttemptState.SUCCEEDED
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_a_missing_intent_does_not_end_a_processing_attempt(
    till: Till, ana: Client, card: SavedCard, bill: Invoice
) -> None:
    attempt = till.charge(ana, card, bill)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(state=AttemptState.PROCESSING, ended_at=None)
    attempt.refresh_from_db()
    till.stripe.erase("payment_intent", attempt.payment_intent_id)
    assert polling.poll(attempt).state == AttemptState.PROCESSING
    PaymentAttempt.objects.filter(pk=attempt.pk).update(state=AttemptState.SUCCEEDED, ended_at=NOW)


def test_a_refund_of_a_deleted_charge_fails(till: Till, ana: Client, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.fault("hang", "/v1/refunds", method="POST", seconds=0.1)
    refund = card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=cast.DESK)
    till.stripe.fault("refuse", "/v1/disputes", code="resource_missing", param="charge")
    card_refunds.poll_pending()
    refund.refresh_from_db()
    assert (refund.state, refund.failure) == ("failed", "charge_missing")


def test_another_card_of_the_account_stays(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    other = saved(till, ana, "5555555555554444")
    till.stripe.detach_card(card.payment_method_id)
    with pytest.raises(CardNotFound):
        till.charge(ana, card, bill)
    assert saved_cards.usable_cards(till.payer(ana).account, till.practice) == [other]
    assert till.charge(ana, other, bill).state == AttemptState.SUCCEEDED
