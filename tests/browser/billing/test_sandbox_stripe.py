"""The sandbox's pages in a browser: accessible, without JavaScript, and by keyboard."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from portico.gateways.stripe import checkout_sessions, customers
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.objects import CheckoutSession
from portico.plumbing import clock
from sandbox.stripe.server import SandboxStripe
from tests.support.browser.chromium import Browsing, axe

pytestmark = [pytest.mark.browser, pytest.mark.sqlite]


@pytest.fixture
def session(sandbox: SandboxStripe, line: Callable[[], StripeClient]) -> CheckoutSession:
    """A session that returns to the sandbox's own front page."""
    customer = customers.create(line(), email="ana@example.org", metadata={}, key="customer")
    return checkout_sessions.open_session(
        line(), amount_minor=14_000, currency="USD", name="Invoice 1001", customer=customer, save_card=True,
        expires_at=clock.now() + timedelta(minutes=45), success_url=f"{sandbox.url}/?paid",
        cancel_url=f"{sandbox.url}/", metadata={}, key="session",
    )  # fmt: skip


def look(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*axe(page), *([f"{page.url} scrolls {wide} px sideways"] if wide > 0 else [])]


@pytest.mark.parametrize(("width", "colors"), [(1280, "light"), (320, "dark")])
def test_its_pages_are_accessible(
    browsing: Browsing, sandbox: SandboxStripe, session: CheckoutSession, width: int, colors: str
) -> None:
    page = browsing.window(width=width, colors="dark" if colors == "dark" else "light")
    page.goto(session.address)
    found = look(page)
    page.get_by_role("link", name="4000 0000 0000 3220").click()
    page.get_by_role("button", name="Pay $140.00").click()
    expect(page.get_by_role("heading", name="Your bank needs you to confirm")).to_be_visible()
    found += look(page)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Nothing here is real")).to_be_visible()
    found += look(page)
    page.get_by_role("link", name="Alder Street Wellness").click()
    expect(page.get_by_role("button", name="Refund Invoice 1001")).to_be_visible()
    assert found + look(page) == []
    assert len(sandbox.book()) == 1


def test_a_card_is_declined_and_another_pays_without_javascript(
    browsing: Browsing, sandbox: SandboxStripe, session: CheckoutSession
) -> None:
    page = browsing.window(javascript=False)
    page.goto(session.address)
    for label, typed in (
        ("Card number", "4000 0000 0000 0002"),
        ("Expires (MM/YY)", "12/34"),
        ("Security code", "123"),
    ):
        page.get_by_label(label).fill(typed)
    page.get_by_role("button", name="Pay $140.00").click()
    expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    page.get_by_label("Card number").fill("4242424242424242")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing here is real")).to_be_visible()
    assert page.url.endswith("/?paid")
    assert [each.amount for each in sandbox.book()] == [14_000]
