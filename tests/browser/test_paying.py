"""`Pay Now` in a real browser: to the sandbox Stripe's page and back, the next time with the saved card."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing import verifying
from portico.domain.billing.models import Invoice, SavedCard
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser import Browsing
from tests.support.paying import Till, signed_in_to_pay

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

GOOD = "4242424242424242"


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.fixture(autouse=True)
def _comes_back(live_server: LiveServer, settings: Settings) -> None:
    """Stripe and the bank lead back to where the portal is served."""
    settings.PUBLIC_BASE_URL = live_server.url


@pytest.fixture
def bills(till: Till) -> list[Invoice]:
    """Two of Ana's."""
    ana = cast.ana(till.practice)
    return [cast.bill(ana), cast.bill(ana, 5_000)]


def signed_in(browsing: Browsing, live_server: LiveServer, bill: Invoice, *, javascript: bool = True) -> Page:
    """Ana's browser, on a telephone."""
    cookie = signed_in_to_pay(Browser(), bill.client).cookies[settings.CLIENT_COOKIE_NAME].value
    page = browsing.window(live_server.url, javascript=javascript, width=390)
    page.context.add_cookies([{"name": settings.CLIENT_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    return page


def pay_now(page: Page, bill: Invoice) -> None:
    page.goto("/portal/alder-street/home/")
    page.get_by_role("link", name="Billing & Payments", exact=True).click()
    page.get_by_role("link", name=f"Pay Now: invoice {bill.number}").click()
    expect(page.get_by_role("heading", name=f"Pay invoice {bill.number}")).to_be_visible()


def type_card(page: Page, number: str) -> None:
    """On Stripe's page."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires (MM/YY)").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay $").click()


def save_a_card(page: Page, bill: Invoice) -> None:
    """Pays the bill on Stripe's page, and the card is kept for next time."""
    pay_now(page, bill)
    page.get_by_label("Save Card").check()
    page.get_by_role("button", name="Continue to Stripe").click()
    expect(page.get_by_text("This card will be saved for next time.")).to_be_visible()
    type_card(page, GOOD)
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()


def expect_paid(page: Page, bill: Invoice, till: Till, charges: list[int]) -> None:
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    expect(page.get_by_text(f"for invoice {bill.number}.")).to_be_visible()
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa ending")
    bill.refresh_from_db()
    assert bill.is_paid
    assert [charge.amount for charge in till.book] == charges
    assert list(verifying.mismatches()) == []


@pytest.mark.parametrize("javascript", [True, False])
def test_one_invoice_is_paid_on_stripes_page_and_the_next_with_the_card_that_was_saved(
    browsing: Browsing, live_server: LiveServer, till: Till, bills: list[Invoice], *, javascript: bool
) -> None:
    first, second = bills
    page = signed_in(browsing, live_server, first, javascript=javascript)
    save_a_card(page, first)
    expect_paid(page, first, till, [14_000])
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa ending 4242")
    assert SavedCard.objects.get().last4 == "4242"

    page.get_by_role("link", name="Back to Billing & Payments").click()
    expect(page.get_by_test_id("balance")).to_have_text("$50.00")
    pay_now(page, second)
    page.get_by_role("button", name="Pay $50.00").click()
    expect_paid(page, second, till, [14_000, 5_000])
    # The console was silent all the way: the policy let the form through to Stripe (see `browsing`).
    assert browsing.complaints == []
