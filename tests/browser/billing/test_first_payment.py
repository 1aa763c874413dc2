"""From entering the Stripe key to the client's receipt and a refund."""

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Refund
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from sandbox.stripe.server import SandboxStripe
from tests import cast
from tests.support.browser.card_pages import GOOD, type_card
from tests.support.browser.chromium import Browsing, carry
from tests.support.card_payments import KEY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def set_up_stripe(office: Page) -> None:
    office.goto("/office/clients/")
    office.get_by_role("link", name="Settings").click()
    office.get_by_role("link", name="Online Payments").click()
    office.get_by_label("Secret key").fill(KEY)
    office.get_by_role("button", name="Save and check with Stripe").click()
    expect(office.get_by_role("heading", name="Clients can pay")).to_be_visible()
    expect(office.get_by_text(KEY)).to_have_count(0)


def let_pay_by_card(office: Page, person: Client) -> None:
    office.goto(f"/office/clients/{person.ref}/")
    office.get_by_role("link", name="Edit", exact=True).click()
    office.get_by_role("navigation", name="Edit").get_by_role("link", name="Client Portal").click()
    office.get_by_label("Client Portal Access").check()
    office.get_by_label("Access billing documents").check()
    office.get_by_label("Pay a balance with credit card using Stripe").check()
    office.get_by_role("button", name="Save access").click()
    expect(office.get_by_label("Pay a balance with credit card using Stripe")).to_be_checked()


def share_invoice(office: Page, person: Client) -> None:
    office.goto(f"/office/clients/{person.ref}/")
    office.get_by_role("link", name="Billing").click()
    office.get_by_role("link", name="Invoice", exact=True).click()
    office.get_by_label("Description").fill("Session, 50 minutes")
    office.get_by_label("Price").fill("140.00")
    office.get_by_role("button", name="Share with client").click()
    expect(office.get_by_text("An email is on its way to ana@mail.example.")).to_be_visible()


def sign_in(client: Page) -> None:
    """Requests a link at the entrance, and opens it from the mail."""
    client.goto("/portal/alder-street/")
    client.get_by_label("Enter your email").fill("ana@mail.example")
    client.get_by_role("button", name="Continue").click()
    expect(client.get_by_role("heading", name="Check your email")).to_be_visible()
    assert request_worker.process_next()
    client.goto(sign_in_links.url_of(cast.handed_over(SignInRequest.objects.get())))
    client.get_by_role("button", name="Sign in as").click()
    expect(client.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def test_from_stripe_setup_to_payment_and_refund(
    browsing: Browsing, live_server: LiveServer, settings: Settings, sandbox: SandboxStripe, practice: Practice
) -> None:
    settings.STRIPE_API_BASE, settings.PUBLIC_BASE_URL = sandbox.url, live_server.url
    ana = cast.ana(practice)
    owner = cast.signed_in_with_factor(Browser(), cast.elm(practice))
    office = carry(browsing.window(live_server.url), live_server.url, owner, django_settings.SESSION_COOKIE_NAME)
    client = browsing.window(live_server.url, width=390)

    set_up_stripe(office)
    let_pay_by_card(office, ana)
    share_invoice(office, ana)

    sign_in(client)
    client.get_by_role("link", name="Billing & Payments", exact=True).click()
    client.get_by_role("link", name="Pay Now: invoice 1").click()
    client.get_by_label("Save Card").check()
    client.get_by_role("button", name="Continue to Stripe").click()
    type_card(client, GOOD)
    expect(client.get_by_role("heading", name="Paid")).to_be_visible()
    with client.expect_download() as receipt:
        client.get_by_role("link", name="Download receipt").click()
    assert receipt.value.suggested_filename.endswith(".pdf")

    office.reload()
    expect(office.get_by_test_id("invoice-row")).to_have_attribute("data-status", "paid")
    expect(office.get_by_text("charged through Stripe in the portal.")).to_be_visible()
    office.get_by_role("link", name="Refund").click()
    office.get_by_label("Amount").fill("40.00")
    office.get_by_label("Wrong price").check()
    office.get_by_role("button", name="Refund").click()
    expect(office.get_by_text("$40.00 is being refunded to the card.")).to_be_visible()

    client.get_by_role("link", name="Back to Billing & Payments").click()
    expect(client.get_by_test_id("invoice-row")).to_have_attribute("data-status", "paid")
    client.get_by_role("link", name="Invoice 1").click()
    client.get_by_role("link", name="Refund on").click()
    expect(client.get_by_text("$40.00").first).to_be_visible()
    assert Refund.objects.get().amount_minor == 4_000
    assert sum(charge.refunded for charge in sandbox.book()) == 4_000
    assert list(verification.mismatches()) == []
