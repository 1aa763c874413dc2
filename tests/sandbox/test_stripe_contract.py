"""Tests the sandbox against what Portico relies on at Stripe.

With STRIPE_TEST_KEY=sk_test_… in the environment the same tests run against Stripe itself, in test mode.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import stripe

from portico.gateways.stripe import account, charges, checkout_sessions, customers, payment_intents
from portico.gateways.stripe.errors import (
    CardDeclined,
    IdempotencyKeyReused,
    InvalidKey,
    RequestRejected,
    ResourceMissing,
)
from portico.gateways.stripe.objects import CheckoutSession, PaymentIntent, StripeCard
from sandbox.stripe.sandbox import KEY
from sandbox.stripe.server import SandboxStripe
from tests.stripe_cards import attach_card
from tests.support.servers.stripe import Side

pytestmark = [pytest.mark.real_time, pytest.mark.sqlite]

# Beside the repository, or above it.
PLACES = [folder / "shared" / "stripe" / "fixtures.json" for folder in Path(__file__).resolve().parents]
SAMPLES = next((place for place in PLACES if place.exists()), None)
BACK = "https://portal.example.com/back/"


def key() -> str:
    return uuid4().hex


def customer(side: Side) -> str:
    return customers.create(side.line(), email="ana@example.org", metadata={"account": "abc"}, key=key())


def saved(side: Side, owner: str, token: str = "pm_card_visa") -> StripeCard:
    card = attach_card(side.line(), token, owner)
    assert card is not None
    return card


def charge(side: Side, owner: str, card: str, *, amount: int = 14_000, with_key: str | None = None) -> PaymentIntent:
    return payment_intents.charge_card(
        side.line(),
        amount_minor=amount,
        currency="USD",
        name="Invoice 1001",
        customer=owner,
        card=card,
        return_url=BACK,
        metadata={"invoices": "abc:14000"},
        key=with_key or key(),
    )


def session(side: Side, owner: str, *, with_key: str | None = None, save_card: bool = True) -> CheckoutSession:
    return checkout_sessions.open_session(
        side.line(),
        amount_minor=14_000,
        currency="USD",
        name="Invoice 1001",
        customer=owner,
        save_card=save_card,
        expires_at=datetime.now(UTC) + timedelta(minutes=45),
        success_url=f"{BACK}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=BACK,
        metadata={"attempt": "abc"},
        key=with_key or key(),
    )


def test_the_account_has_name_country_and_currency(side: Side) -> None:
    found = account.look_up(side.line())
    assert found.id.startswith("acct_")
    assert (len(found.country), len(found.currency), found.currency.isupper()) == (2, 3, True)


def test_an_unknown_key_is_rejected(side: Side) -> None:
    with pytest.raises(InvalidKey):
        account.look_up(side.line("sk_test_unknown"))


def test_a_saved_card_is_charged(side: Side) -> None:
    owner = customer(side)
    card = saved(side, owner)
    assert (card.brand, card.last4, card.customer) == ("visa", "4242", owner)
    paid = charge(side, owner, card.id)
    assert (paid.status, paid.received_minor, paid.currency, paid.livemode) == ("succeeded", 14_000, "USD", False)
    assert paid.charge is not None
    assert (paid.charge.is_paid, paid.charge.card.last4 if paid.charge.card else "") == (True, "4242")
    assert payment_intents.look_up(side.line(), paid.id) == paid
    assert [each.id for each in customers.cards(side.line(), owner)] == [card.id]


def test_a_removed_card_cannot_be_charged(side: Side) -> None:
    owner = customer(side)
    card = saved(side, owner)
    customers.remove_card(side.line(), card.id)
    assert customers.cards(side.line(), owner) == []
    with pytest.raises(RequestRejected):
        charge(side, owner, card.id)
    with pytest.raises(RequestRejected):
        customers.remove_card(side.line(), card.id)


def test_another_customers_card_cannot_be_charged(side: Side) -> None:
    card = saved(side, customer(side))
    with pytest.raises(RequestRejected):
        charge(side, customer(side), card.id)


def test_a_declined_card_leaves_its_intent(side: Side) -> None:
    owner = customer(side)
    card = saved(side, owner, "pm_card_chargeCustomerFail")
    with pytest.raises(CardDeclined) as refusal:
        charge(side, owner, card.id)
    assert refusal.value.code == "generic_decline"
    assert refusal.value.intent is not None
    found = payment_intents.look_up(side.line(), refusal.value.intent.id)
    assert (found.status, found.is_paid, found.received_minor) == ("requires_payment_method", False, 0)


def test_a_pending_confirmation_can_be_cancelled(side: Side) -> None:
    owner = customer(side)
    waiting = charge(side, owner, saved(side, owner, "pm_card_threeDSecure2Required").id)
    assert waiting.status == "requires_action"
    assert waiting.bank_address.startswith("http")
    assert payment_intents.cancel(side.line(), waiting.id).status == "canceled"
    with pytest.raises(RequestRejected):
        payment_intents.cancel(side.line(), waiting.id)


def test_the_same_key_charges_once(side: Side) -> None:
    owner, again = customer(side), key()
    card = saved(side, owner)
    first = charge(side, owner, card.id, with_key=again)
    assert charge(side, owner, card.id, with_key=again) == first
    found = payment_intents.of_customer(side.line(), owner, since=datetime.now(UTC) - timedelta(hours=1))
    assert [each.id for each in found] == [first.id]


def test_a_key_with_other_parameters_is_rejected(side: Side) -> None:
    owner, again = customer(side), key()
    card = saved(side, owner)
    charge(side, owner, card.id, with_key=again)
    with pytest.raises(IdempotencyKeyReused):
        charge(side, owner, card.id, amount=100, with_key=again)


def test_a_decline_is_repeated_for_its_key(side: Side) -> None:
    owner, again = customer(side), key()
    card = saved(side, owner, "pm_card_chargeCustomerFail")
    for _ in range(2):
        with pytest.raises(CardDeclined):
            charge(side, owner, card.id, with_key=again)
    found = payment_intents.of_customer(side.line(), owner, since=datetime.now(UTC) - timedelta(hours=1))
    assert len(found) == 1


def test_a_new_checkout_has_no_intent(side: Side) -> None:
    owner = customer(side)
    opened = session(side, owner)
    assert (opened.status, opened.payment_status) == ("open", "unpaid")
    assert (opened.amount_minor, opened.currency, opened.customer) == (14_000, "USD", owner)
    assert opened.address.startswith("http")
    assert (opened.intent_id, opened.metadata) == ("", {"attempt": "abc"})
    assert timedelta(minutes=40) < opened.expires_at - datetime.now(UTC) < timedelta(minutes=50)


def test_an_expired_checkout_has_no_url(side: Side) -> None:
    opened = session(side, customer(side))
    over = checkout_sessions.expire(side.line(), opened.id)
    assert (over.status, over.is_open, over.address) == ("expired", False, "")
    with pytest.raises(RequestRejected):
        checkout_sessions.expire(side.line(), opened.id)


def test_the_same_key_opens_one_checkout(side: Side) -> None:
    owner, again = customer(side), key()
    expires_at = datetime.now(UTC) + timedelta(minutes=45)
    opened = [
        checkout_sessions.open_session(
            side.line(), amount_minor=14_000, currency="USD", name="Invoice 1001", customer=owner, save_card=False,
            expires_at=expires_at, success_url=BACK, cancel_url=BACK, metadata={}, key=again,
        ).id
        for _ in range(2)
    ]  # fmt: skip
    assert opened[0] == opened[1]


def test_partial_refunds_cannot_exceed_the_charge(side: Side) -> None:
    owner = customer(side)
    paid = charge(side, owner, saved(side, owner).id)
    part = charges.refund(side.line(), paid.charge_id, amount_minor=4_000, currency="USD", metadata={}, key=key())
    assert (part.status, part.amount_minor, part.charge, part.intent) == ("succeeded", 4_000, paid.charge_id, paid.id)
    with pytest.raises(RequestRejected):
        charges.refund(side.line(), paid.charge_id, amount_minor=10_001, currency="USD", metadata={}, key=key())
    charges.refund(side.line(), paid.charge_id, amount_minor=10_000, currency="USD", metadata={}, key=key())
    assert charges.look_up(side.line(), paid.charge_id).refunded_minor == 14_000
    assert [each.amount_minor for each in charges.refunds(side.line(), paid.charge_id)] == [10_000, 4_000]
    with pytest.raises(RequestRejected) as refusal:
        charges.refund(side.line(), paid.charge_id, amount_minor=1, currency="USD", metadata={}, key=key())
    assert refusal.value.code == "charge_already_refunded"


def test_payments_are_listed_by_time(side: Side) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    owner = customer(side)
    paid = charge(side, owner, saved(side, owner).id)
    found = next(each for each in payment_intents.between(side.line(), since, datetime.now(UTC) + timedelta(minutes=1)))
    assert found == paid


def test_unknown_objects_are_missing(side: Side) -> None:
    with pytest.raises(ResourceMissing):
        payment_intents.look_up(side.line(), "pi_none")
    with pytest.raises(ResourceMissing):
        checkout_sessions.look_up(side.line(), "cs_test_none")


def test_a_local_url_cannot_be_an_endpoint(side: Side) -> None:
    with pytest.raises(RequestRejected) as refusal:
        account.create_endpoint(side.line(), "http://localhost:8000/hooks/stripe/alder/", description="Portico")
    assert "publicly accessible" in str(refusal.value)


def test_an_endpoint_shows_its_secret_once(side: Side) -> None:
    made = account.create_endpoint(side.line(), "https://portal.example.com/hooks/stripe/alder/", description="Portico")
    assert made.secret.startswith("whsec_")
    listed = {each.id: each.secret for each in account.endpoints(side.line())}
    assert listed[made.id] == ""
    account.delete_endpoint(side.line(), made.id)
    assert made.id not in {each.id for each in account.endpoints(side.line())}


OWN = json.loads((Path(__file__).resolve().parents[2] / "sandbox" / "stripe" / "skeletons.json").read_text("utf-8"))


def samples() -> dict[str, dict[str, Any]]:
    """Returns Stripe's own samples where they are available; otherwise the sandbox's own objects."""
    found: dict[str, dict[str, Any]] = json.loads(SAMPLES.read_text("utf-8")) if SAMPLES else OWN
    return found


# Fields of the samples that are omitted on purpose: Stripe itself omits them or leaves them empty.
LEFT_OUT = {"charge": {"source"}}


def complaints(body: Mapping[str, Any]) -> list[str]:
    """Returns the sample's fields that the object lacks or has with another type; empty values match any type."""
    sample, left_out = samples()[body["object"]], LEFT_OUT.get(body["object"], set())
    found = [f"{body['object']}.{name} is missing" for name in sample if name not in body and name not in left_out]
    for name, value in sample.items():
        mine = body.get(name)
        if value is not None and mine is not None and not isinstance(mine, type(value)):
            found.append(f"{body['object']}.{name}: {type(mine).__name__} instead of {type(value).__name__}")
    return found


def disputed(side: Side, client: stripe.StripeClient) -> stripe.Dispute:
    owner = customer(side)
    paid = charge(side, owner, saved(side, owner, "pm_card_createDispute").id)
    deadline = time.monotonic() + 60
    while not (found := client.v1.disputes.list({"charge": paid.charge_id}).data):  # At Stripe it takes a moment.
        assert time.monotonic() < deadline
        time.sleep(1)
    return found[0]


def test_objects_have_the_fields_of_stripes_samples(side: Side) -> None:
    client = stripe.StripeClient(side.key, base_addresses={"api": side.base} if side.base else {})
    owner = customer(side)
    paid = charge(side, owner, saved(side, owner).id)
    part = charges.refund(side.line(), paid.charge_id, amount_minor=100, currency="USD", metadata={}, key=key())
    dispute = disputed(side, client)
    endpoint = account.create_endpoint(side.line(), "https://portal.example.com/hooks/", description="Portico")
    entry = client.v1.charges.retrieve(paid.charge_id).balance_transaction
    assert isinstance(entry, str)
    objects: list[stripe.StripeObject] = [
        client.v1.accounts.retrieve_current(),
        client.v1.balance_transactions.retrieve(entry),
        client.v1.charges.retrieve(paid.charge_id),
        client.v1.checkout.sessions.retrieve(session(side, owner).id),
        client.v1.customers.retrieve(owner),
        client.v1.disputes.retrieve(dispute.id),
        client.v1.events.list({"limit": 1}).data[0],
        client.v1.payment_intents.retrieve(paid.id),
        client.v1.payment_methods.retrieve(paid.card),
        client.v1.refunds.retrieve(part.id),
        client.v1.webhook_endpoints.retrieve(endpoint.id),
    ]
    account.delete_endpoint(side.line(), endpoint.id)
    assert {each["object"] for each in objects} == set(OWN)
    assert [word for each in objects for word in complaints(each.to_dict())] == []


def test_events_contain_their_whole_object(sandbox: SandboxStripe) -> None:
    """Every event type that Portico subscribes to and that can occur here."""
    side = Side(KEY, sandbox.url)
    owner = customer(side)
    paid = charge(side, owner, saved(side, owner, "pm_card_refundFail").id)
    for fails in (False, True):
        part = charges.refund(side.line(), paid.charge_id, amount_minor=100, currency="USD", metadata={}, key=key())
        sandbox.end_refund(part.id, fails=fails)
    sandbox.end_dispute(sandbox.dispute(paid.charge_id, amount=13_900), won=True)
    with pytest.raises(CardDeclined):
        charge(side, owner, saved(side, owner, "pm_card_chargeCustomerFail").id)
    payment_intents.cancel(side.line(), charge(side, owner, saved(side, owner, "pm_card_threeDSecure2Required").id).id)
    checkout_sessions.expire(side.line(), session(side, owner).id)
    sandbox.pay(session(side, owner).id)
    customers.remove_card(side.line(), paid.card)
    side.line().call(lambda stripe: stripe.v1.customers.delete(owner))
    events = [sandbox.find("event", each["id"]) for each in sandbox.account_data().all("event")]
    assert [word for each in events for word in complaints(each) + complaints(each["data"]["object"])] == []
    # Cards only: no delayed payment methods. Evidence is submitted at Stripe.
    never = {"checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded"}
    assert {each["type"] for each in events} >= set(account.EVENTS) - never - {"charge.dispute.updated"}


def test_payments_with_a_deleted_customer_are_rejected(side: Side) -> None:
    owner = customer(side)
    card = saved(side, owner)
    assert customers.is_there(side.line(), owner)
    side.line().call(lambda stripe: stripe.v1.customers.delete(owner))
    assert not customers.is_there(side.line(), owner)
    for pay in (lambda: session(side, owner), lambda: charge(side, owner, card.id)):
        with pytest.raises(ResourceMissing) as refusal:
            pay()
        assert refusal.value.is_about("customer")
        assert refusal.value.reference.startswith("req_")
    found = customers.card(side.line(), card.id)
    assert found is not None
    assert found.customer == ""


def test_an_invalid_email_is_named_in_the_error(side: Side) -> None:
    with pytest.raises(RequestRejected) as refusal:
        side.line().call(lambda stripe: stripe.v1.customers.create({"email": "ana"}))
    assert (refusal.value.code, refusal.value.is_about("email")) == ("email_invalid", True)
    made = customers.create(side.line(), email="ana", metadata={"account": "abc"}, key=key())
    assert customers.is_there(side.line(), made)


def test_metadata_beyond_the_limits_are_rejected(side: Side) -> None:
    def create(words: dict[str, str]) -> None:
        side.line().call(lambda stripe: stripe.v1.customers.create({"metadata": words}))

    for words in ({f"name_{each}": "x" for each in range(51)}, {"n" * 41: "x"}, {"name": "x" * 501}):
        with pytest.raises(RequestRejected):
            create(words)
