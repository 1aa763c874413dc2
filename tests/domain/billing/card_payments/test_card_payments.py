"""Card payments: starting, continuing and refusing them, and saved cards."""

from copy import copy

import pytest

from portico.domain.access import access_grants, access_lookups
from portico.domain.billing.card_payments import cancellation, payment_initiation, polling, saved_cards
from portico.domain.billing.card_payments.payment_refusals import (
    AmountChanged,
    CardNotFound,
    CardsTurnedOff,
    StripeNotReachable,
    TooSmall,
)
from portico.domain.billing.card_payments.quotes import PaymentOrder
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt, SavedCard
from portico.domain.billing.refusals import InvoicePaid
from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from tests import cast
from tests.cast import DESK
from tests.domain.billing.desk_sessions import fresh, paid, saved, state
from tests.support.card_payments import Till, let_pay

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("books_stay_right"),
]


def test_a_card_is_saved_with_the_consent_text_only(till: Till, ana: Client) -> None:
    paid(till, cast.bill(ana))
    assert not SavedCard.objects.exists()
    kept = saved(till, ana)
    assert (kept.last4, kept.account) == ("4242", till.payer(ana).account)
    assert "Save Card" in kept.consent_text


def test_a_saved_card_pays_in_one_step(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    attempt = till.charge(ana, card, bill)
    assert state(attempt) == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_resubmitting_after_success_charges_nothing(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.charge(ana, card, bill)
    with pytest.raises(InvoicePaid):
        till.charge(ana, card, bill)
    assert len(till.book) == 2


def test_a_rate_limited_call_leaves_no_open_attempt(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.stripe.fault("429", "/v1/payment_intents", method="POST")
    with pytest.raises(StripeNotReachable):
        till.charge(ana, card, bill)
    assert PaymentAttempt.objects.latest("id").state == AttemptState.FAILED
    assert not bill.attempts.filter(is_open=True).exists()


def test_no_payment_starts_while_stripe_is_unreachable(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("429", times=5)
    with pytest.raises(StripeNotReachable):
        till.start(ana, bill)
    assert not bill.attempts.filter(is_open=True).exists()


def test_balance_and_invoice_payments_exclude_each_other(till: Till, ana: Client, bill: Invoice) -> None:
    cast.bill(ana, 5_000)
    whole = till.start(ana)
    one = till.start(ana, bill)
    assert (state(whole), state(one)) == (AttemptState.EXPIRED, AttemptState.OPEN)
    with pytest.raises(ValueError, match="expired"):
        till.type_card(whole)


def test_only_the_same_order_continues_an_attempt(till: Till, ana: Client, bill: Invoice) -> None:
    first = till.start(ana, bill)
    assert till.start(ana, bill).pk == first.pk
    assert till.start(ana, bill, save=True).pk != first.pk


def test_a_page_opened_during_cancellation_is_expired(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    begun = till.start(ana, bill)
    as_it_stood_before = copy(begun)
    as_it_stood_before.called_at, as_it_stood_before.checkout_session_id = None, ""
    cancellation.cancel(as_it_stood_before)
    (page,) = till.stripe.account_data().all("checkout.session")
    begun.refresh_from_db()
    assert (page["status"], begun.state) == ("expired", AttemptState.EXPIRED)


def test_turning_the_option_off_expires_open_pages(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    access = access_lookups.access_of(ana)
    assert access is not None
    entry = cast.entry_for(ana)
    access_grants.save_access(ana, entry, version=None, by=DESK)
    with pytest.raises(CardsTurnedOff):
        till.start(ana, bill)
    assert polling.expire_unwanted()
    assert polling.poll_next()
    assert state(attempt) == AttemptState.EXPIRED
    with pytest.raises(ValueError, match="expired"):
        till.type_card(attempt)


def test_an_amount_below_the_minimum_is_refused(till: Till, ana: Client) -> None:
    with pytest.raises(TooSmall):
        till.start(ana, cast.bill(ana, 49))


def test_a_changed_amount_is_refused(till: Till, ana: Client, bill: Invoice) -> None:
    with pytest.raises(AmountChanged):
        payment_initiation.start_payment(till.payer(ana), PaymentOrder(bill, amount_minor=13_999))


def test_without_a_key_no_payment_starts(till: Till, ana: Client, bill: Invoice) -> None:
    api_keys.remove_keys(till.practice, by=DESK)
    with pytest.raises(CardsNotAccepted):
        till.start(ana, bill)


def test_a_rejected_key_stops_payments_of_its_practice(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.revoke("sk_test_demo")
    birch = cast.birch()
    api_keys.save_keys(birch, Keys("sk_test_birch"), by=DESK)
    with pytest.raises(Exception, match="Stripe didn’t accept"):
        till.start(ana, bill)
    for practice in (till.practice, birch):
        practice.refresh_from_db()
    assert (till.practice.takes_cards, birch.takes_cards) == (False, True)
    assert not bill.attempts.filter(is_open=True).exists()
    dora = let_pay(cast.dora(birch))
    assert till.start(dora, cast.bill(dora)).checkout_url


def test_removing_a_card_detaches_it_at_stripe(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    saved_cards.remove(card, ana, by=DESK)
    with pytest.raises(CardNotFound):
        till.charge(ana, card, bill)
    assert saved_cards.detach_removed() == 1
    assert till.stripe.find("payment_method", card.payment_method_id)["customer"] is None
    assert saved_cards.detach_removed() == 0


def test_a_card_belongs_to_the_mailbox_that_saved_it(till: Till, ana: Client, card: SavedCard) -> None:
    carol = let_pay(cast.carol(till.practice))
    assert saved_cards.saved_cards_of(till.payer(carol).account) == []
    with pytest.raises(CardNotFound):
        till.charge(carol, card, cast.bill(carol))
