"""Starting a card payment: requests to Stripe, continued attempts, and how long a call is repeated."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from time_machine import Traveller

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput
from portico.domain.billing.card_payments import polling, saved_cards
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.models import AttemptMethod, AttemptState, Invoice, PaymentAttempt, StripeCustomer
from portico.domain.billing.refusals import BeingPaid, Processing
from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from tests import cast
from tests.domain.billing.desk_sessions import fresh, paid, saved, saved_at_bank, state
from tests.support.card_payments import Till, let_pay
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana, label="Couples therapy, intake")


# Requests to Stripe.


def test_the_checkout_session_has_exact_parameters(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill, save=True)
    (page,) = till.stripe.account_data().all("checkout.session")
    assert (page["mode"], page["payment_method_types"]) == ("payment", ["card"])
    assert page["adaptive_pricing"] == {"enabled": False}
    assert (page["amount_total"], page["currency"], page["customer"]) == (14_000, "usd", attempt.stripe_customer_id)
    assert attempt.expires_at == NOW + timedelta(minutes=45)
    assert page["expires_at"] == int(attempt.expires_at.timestamp())
    assert attempt.checkout_url == page["url"]


def test_no_health_details_are_sent_to_stripe(till: Till, ana: Client, bill: Invoice) -> None:
    card = saved(till, ana)
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    polling.poll(attempt)
    till.charge(ana, card, cast.bill(ana, label="Couples therapy, intake"))
    data = till.stripe.account_data()
    told = json.dumps([data.all(kind) for kind in ("checkout.session", "payment_intent", "charge", "customer")])
    for word in ("Couples", "therapy, intake", "Abreu", "Session, 50"):
        assert word not in told
    (customer,) = data.all("customer")
    assert (customer["name"], customer["email"]) == (None, "ana@mail.example")
    assert {each["description"] for each in data.all("payment_intent")} == {"Invoice 1", "Invoice 2", "Invoice 3"}
    assert dict(attempt.metadata) == {
        "portico_attempt": attempt.ref,
        "portico_account": attempt.account.ref,
        "portico_client": ana.ref,
        "portico_invoices": f"{bill.ref}:14000",
    }


def test_each_attempt_has_a_random_idempotency_key(till: Till, ana: Client, bill: Invoice) -> None:
    first = till.start(ana, bill)
    second = till.start(ana, bill, save=True)
    keys = {first.idempotency_key, second.idempotency_key}
    assert len(keys) == 2
    assert all(len(key) >= 40 and first.ref not in key and bill.ref not in key for key in keys)


def test_a_mailbox_has_one_customer_per_account_and_mode(till: Till, ana: Client) -> None:
    paid(till, cast.bill(ana))
    paid(till, cast.bill(ana))
    assert len(till.stripe.account_data().all("customer")) == StripeCustomer.objects.count() == 1
    api_keys.save_keys(till.practice, Keys("sk_test_another"), by=cast.DESK)
    till.practice.refresh_from_db()
    attempt = till.start(ana, cast.bill(ana))
    assert StripeCustomer.objects.count() == 2
    assert len(till.stripe.account_data("sk_test_another").all("customer")) == 1
    assert attempt.stripe_customer_id != StripeCustomer.objects.earliest("id").customer_id


def test_a_parents_card_pays_for_both_children(till: Till) -> None:
    bruno, bea, carol = (let_pay(make(till.practice)) for make in (cast.bruno, cast.bea, cast.carol))
    card = saved(till, bruno)
    assert saved_cards.usable_cards(till.payer(bea).account, till.practice) == [card]
    assert till.charge(bea, card, cast.bill(bea)).state == AttemptState.SUCCEEDED
    assert saved_cards.usable_cards(till.payer(carol).account, till.practice) == []


# The amount to pay.


def test_an_invoice_is_charged_its_open_amount(till: Till, ana: Client) -> None:
    bill = cast.bill(ana, 28_000)
    cast.cash(ana, 14_000, invoice=bill)
    attempt = till.start(ana, fresh(bill))
    till.type_card(attempt)
    polling.poll(attempt)
    assert ([charge.amount for charge in till.book], fresh(bill).is_paid) == ([14_000], True)


def test_the_balance_excludes_processing_invoices(till: Till, ana: Client, bill: Invoice) -> None:
    card = saved(till, ana)
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    till.charge(ana, card, bill)
    other = cast.bill(ana, 5_000)
    whole = till.start(ana)
    assert [cover.invoice for cover in whole.covers.all()] == [other]
    assert whole.amount_minor == 5_000


# Open attempts, and starting again.


def unrelated_card(till: Till, person: Client, bill: Invoice) -> PaymentAttempt:
    return till.charge(person, saved_at_bank(till, person), bill)


def of_another_account_at_stripe(till: Till, person: Client, bill: Invoice) -> PaymentAttempt:
    api_keys.save_keys(till.practice, Keys("sk_test_another"), by=cast.DESK)
    till.practice.refresh_from_db()
    return till.start(person, bill)


def of_another_mailbox(till: Till, person: Client, bill: Invoice) -> PaymentAttempt:
    entry = cast.client(till.practice, "Bo", address="bo@mail.example").email_addresses.get()
    type(entry).objects.filter(pk=entry.pk).update(client=person)
    wanted = AccessInput(enabled=True, address=entry.ref, access_billing_documents=True, pay_by_card=True)
    access_grants.save_access(person, wanted, version=None, by=cast.DESK)
    return till.start(person, bill)


def of_more_invoices(till: Till, person: Client, bill: Invoice) -> PaymentAttempt:
    cast.bill(person, 5_000)
    return till.start(person)


OTHERWISE: dict[str, Callable[[Till, Client, Invoice], PaymentAttempt]] = {
    "with a saved card": unrelated_card,
    "to be saved": lambda till, person, bill: till.start(person, bill, save=True),
    "for more invoices": of_more_invoices,
    "by another mailbox": of_another_mailbox,
    "to another account at Stripe": of_another_account_at_stripe,
}


@pytest.mark.parametrize("how", OTHERWISE)
def test_another_method_ends_the_open_attempt_first(till: Till, ana: Client, bill: Invoice, how: str) -> None:
    begun = till.start(ana, bill)
    again = OTHERWISE[how](till, ana, bill)
    assert (again.pk != begun.pk, state(begun)) == (True, AttemptState.EXPIRED)
    assert till.stripe.find("checkout.session", begun.checkout_session_id)["status"] == "expired"
    assert state(again) == AttemptState.OPEN


def test_another_card_cancels_a_pending_confirmation(till: Till, ana: Client, bill: Invoice) -> None:
    begun = unrelated_card(till, ana, bill)
    again = till.start(ana, bill)
    assert (state(begun), again.method) == (AttemptState.EXPIRED, AttemptMethod.CHECKOUT)
    assert till.stripe.find("payment_intent", begun.payment_intent_id)["status"] == "canceled"


@pytest.mark.parametrize("minutes", [9, 11])
def test_a_session_is_recreated_for_ten_minutes_only(
    till: Till, ana: Client, bill: Invoice, minutes: int, time_machine: Traveller
) -> None:
    """After that it expires by itself within the hour: its URL was never given out."""
    till.stripe.fault("lost", "/v1/checkout/sessions", method="POST")
    begun = till.start(ana, bill)
    time_machine.move_to(NOW + timedelta(minutes=minutes))
    again = till.start(ana, bill)
    assert (state(begun), state(again)) == (AttemptState.EXPIRED, AttemptState.OPEN)
    pages = {page["id"]: page["status"] for page in till.stripe.account_data().all("checkout.session")}
    assert pages.pop(again.checkout_session_id) == "open"
    assert list(pages.values()) == ["expired" if minutes < 10 else "open"]


@pytest.mark.parametrize("hours", [22, 23.1])
def test_a_charge_is_repeated_for_23_hours_only(
    till: Till, ana: Client, bill: Invoice, hours: float, time_machine: Traveller
) -> None:
    card = saved(till, ana)
    till.stripe.fault("503", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    time_machine.move_to(NOW + timedelta(hours=hours))
    assert polling.poll_next()
    assert state(attempt) == (AttemptState.SUCCEEDED if hours < 23 else AttemptState.PROCESSING)
    assert len(till.book) == (2 if hours < 23 else 1)


def from_the_future(attempt: PaymentAttempt, *, days: int) -> None:
    """Moves the attempt into the future, as if our clock had been ahead when it was created."""
    ahead = timedelta(days=days)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(
        written_at=F("written_at") + ahead,
        called_at=F("called_at") + ahead,
        not_before=F("not_before") + ahead,
        expires_at=F("expires_at") + ahead,
        lease_until=NOW + ahead,
    )


@pytest.mark.parametrize("days", [3, 730])
def test_a_charge_from_the_future_is_not_repeated(till: Till, ana: Client, bill: Invoice, days: int) -> None:
    card = saved(till, ana)
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    from_the_future(attempt, days=days)
    assert polling.poll_next()
    assert state(attempt) == AttemptState.SUCCEEDED
    assert len(till.book) == 2


def test_a_missing_charge_from_the_future_is_only_polled(till: Till, ana: Client, bill: Invoice) -> None:
    card = saved(till, ana)
    till.stripe.fault("503", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    from_the_future(attempt, days=730)
    assert polling.poll_next()
    assert state(attempt) == AttemptState.PROCESSING
    assert len(till.book) == 1


def test_a_page_from_the_future_is_ended(till: Till, ana: Client, bill: Invoice) -> None:
    begun = till.start(ana, bill)
    from_the_future(begun, days=730)
    again = till.start(ana, bill)
    assert (state(begun), state(again)) == (AttemptState.EXPIRED, AttemptState.OPEN)


def test_a_confirmation_from_the_future_is_cancelled(till: Till, ana: Client, bill: Invoice) -> None:
    begun = unrelated_card(till, ana, bill)
    from_the_future(begun, days=730)
    while polling.poll_next():
        pass
    assert till.stripe.find("payment_intent", begun.payment_intent_id)["status"] == "canceled"


# Unknown outcomes.


def test_a_processing_intent_makes_a_processing_attempt(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    data = till.stripe.account_data()
    data.save(data.get("checkout.session", attempt.checkout_session_id) | {"status": "complete"})
    assert polling.poll(attempt).state == AttemptState.PROCESSING
    assert fresh(bill).is_processing


@pytest.mark.parametrize("unknown", [AttemptState.PROCESSING, AttemptState.QUARANTINED])
def test_a_processing_invoice_is_not_voided_paid_or_hidden(
    till: Till, ana: Client, bill: Invoice, unknown: AttemptState
) -> None:
    attempt = cast.attempt(bill, state=unknown)
    for deed in (
        lambda: invoicing.void(bill, reason="Wrong", shown=None, by=cast.DESK),
        lambda: cast.cash(ana, 100, invoice=bill),
        lambda: invoice_sharing.unshare(bill, shown=None, by=cast.DESK),
        lambda: till.start(ana, bill),
    ):
        with pytest.raises(Processing):
            deed()
    assert state(attempt) == unknown


def test_an_invoice_in_checkout_cannot_be_unshared(till: Till, ana: Client, bill: Invoice) -> None:
    till.start(ana, bill)
    with pytest.raises(BeingPaid):
        invoice_sharing.unshare(bill, shown=None, by=cast.DESK)
    assert fresh(bill).is_shared
