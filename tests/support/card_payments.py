"""A practice that takes card payments in the sandbox, and its paying clients."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from portico.domain.access import access_grants, access_lookups, holders
from portico.domain.access.access_grants import AccessInput
from portico.domain.billing.card_payments import payment_initiation
from portico.domain.billing.card_payments.quotes import Payer, PaymentOrder
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Invoice, PaymentAttempt, SavedCard
from portico.domain.billing.stripe_sync import webhook_events
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import InboundEvent
from sandbox.stripe.payments.charge_records import BookedCharge
from sandbox.stripe.server import SandboxStripe
from tests import cast

KEY = "sk_test_demo"
CONSENT = "Save Card. Keep it for next time."


@dataclass
class Till:
    """The sandbox Stripe and the practice of a test, with the steps of a card payment."""

    stripe: SandboxStripe
    practice: Practice

    @property
    def book(self) -> tuple[BookedCharge, ...]:
        return self.stripe.book()

    def payer(self, person: Client, relationship: Relationship | None = None) -> Payer:
        """Returns the person, or the contact, as a payer for the person; paying by card must be on."""
        access = access_lookups.access_of(person, relationship) or pytest.fail("Give the client access first.")
        assert access.account is not None
        person = Client.objects.select_related("practice").get(pk=person.pk)
        return Payer(access.account, person, holders.actor_for(access))

    def start(
        self,
        person: Client,
        invoice: Invoice | None = None,
        *,
        save: bool = False,
        relationship: Relationship | None = None,
    ) -> PaymentAttempt:
        """Starts a payment on Stripe's page, as `Continue to Stripe` does."""
        order = PaymentOrder(invoice, consent_text=CONSENT if save else "")
        return payment_initiation.start_payment(self.payer(person, relationship), order)

    def start_as(self, payer: Payer, invoice: Invoice | None = None) -> PaymentAttempt:
        """Starts a payment of a payer who was determined before."""
        return payment_initiation.start_payment(payer, PaymentOrder(invoice))

    def charge(self, person: Client, card: SavedCard, invoice: Invoice | None = None) -> PaymentAttempt:
        """Charges a saved card, as `Pay $140.00` does."""
        return payment_initiation.start_payment(self.payer(person), PaymentOrder(invoice, card))

    def bill_in(self, currency: str) -> None:
        """Sets the currency of the practice and of its Stripe account, before anything is billed."""
        Practice.objects.filter(pk=self.practice.pk).update(currency=currency)
        self.practice.refresh_from_db()
        self.stripe.open_account(KEY, currency=currency.lower())
        api_keys.check_again(self.practice, by=cast.DESK)
        self.practice.refresh_from_db()

    def type_card(self, attempt: PaymentAttempt, number: str = "4242424242424242") -> str:
        """Pays with this card on Stripe's page; returns the address that it redirects to."""
        return self.stripe.pay(attempt.checkout_session_id, number)


def let_pay(person: Client) -> Client:
    """Turns on the person's access with billing documents and card payments."""
    address = cast.entry_for(person).address
    entry = AccessInput(enabled=True, address=address, access_billing_documents=True, pay_by_card=True)
    access_grants.save_access(person, entry, version=None, by=cast.DESK)
    return person


def signed_in_to_pay[B: Browser](browser: B, person: Client) -> B:
    """Signs the person in at the portal and turns card payments on; returns the browser."""
    cast.in_the_portal(browser, person)
    let_pay(person)
    return browser


def ref_in(address: str) -> str:
    """Returns the ref in the address of a payment's page."""
    found = re.search(r"/payments/([a-z0-9]+)/", address)
    return found[1] if found else pytest.fail(f"No payment in {address}")


@pytest.fixture
def till(sandbox: SandboxStripe, settings: Settings, practice: Practice) -> Till:
    settings.STRIPE_API_BASE = sandbox.url
    api_keys.save_keys(practice, Keys(KEY), by=cast.DESK)
    practice.refresh_from_db()
    return Till(sandbox, practice)


@pytest.fixture
def books_stay_right(request: pytest.FixtureRequest, db: None) -> Iterator[None]:
    """Checks after the test that the ledger is right, except in a twin without the guard."""
    yield
    is_twin = request.node.get_closest_marker("postgresql") and request.node.name.startswith("test_without")
    if not is_twin:
        assert list(verification.mismatches()) == []


def process(event: InboundEvent) -> EventResult:
    """Processes a Stripe event at once, whether it is stored or not."""
    with webhook_events.open_batch() as worker:
        return worker(event)
