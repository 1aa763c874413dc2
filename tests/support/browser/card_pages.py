"""Steps of a card payment in the browser, on our pages, Stripe's and the bank's."""

from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect

from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Invoice, SavedCard
from tests.support.browser.chromium import Browsing, carry
from tests.support.card_payments import Till, signed_in_to_pay

GOOD, DECLINED, ASKS_BANK = "4242424242424242", "4000000000000002", "4000000000003220"
DECLINED_LATER = "4000000000000341"
HOME = "/portal/alder-street/home/"


def client_window(browsing: Browsing, url: str, bill: Invoice, *, javascript: bool = True) -> Page:
    """Opens a window of a phone's width in which the client of the bill is signed in."""
    page = browsing.window(url, javascript=javascript, width=390)
    return carry(page, url, signed_in_to_pay(Browser(), bill.client), settings.CLIENT_COOKIE_NAME)


def pay_now(page: Page, bill: Invoice) -> None:
    page.goto(HOME)
    page.get_by_role("link", name="Billing & Payments", exact=True).click()
    page.get_by_role("link", name=f"Pay Now: invoice {bill.number}").click()
    expect(page.get_by_role("heading", name=f"Pay invoice {bill.number}")).to_be_visible()


def type_card(page: Page, number: str) -> None:
    """Enters the card on Stripe's page and pays."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires (MM/YY)").fill("12/34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay $").click()


def type_new_card(page: Page, number: str) -> None:
    """Chooses a new card on our page, instead of a saved one, and enters it on Stripe's page."""
    page.get_by_label("New card").check()
    page.get_by_role("button", name="Continue to Stripe").click()
    type_card(page, number)


def save_a_card(page: Page, bill: Invoice, number: str = GOOD) -> None:
    """Pays the bill on Stripe's page and saves the card."""
    pay_now(page, bill)
    page.get_by_label("Save Card").check()
    page.get_by_role("button", name="Continue to Stripe").click()
    expect(page.get_by_text("This card will be saved for next time.")).to_be_visible()
    type_card(page, number)


def be_declined_from_now_on(till: Till) -> None:
    """Makes the bank decline the saved card from now on."""
    desk, kept = till.stripe.account_data(), SavedCard.objects.get()
    desk.save(desk.get("payment_method", kept.payment_method_id) | {"_number": DECLINED_LATER})


def expect_paid(page: Page, bill: Invoice, till: Till, charges: list[int]) -> None:
    """Checks that the page and the bill say paid, and that Stripe has made these charges only."""
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()
    expect(page.get_by_text(f"for invoice {bill.number}.")).to_be_visible()
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa ending")
    bill.refresh_from_db()
    assert bill.is_paid
    expect_charged(till, charges)


def expect_charged(till: Till, charges: list[int]) -> None:
    assert [charge.amount for charge in till.book] == charges
    assert list(verification.mismatches()) == []
