"""The invoice editor in a real browser: how many presses a bill takes, and that no step passes a total of $0.00."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing.invoices import invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.browser.chromium import Browsing, carry

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    practice = cast.alder()
    service_items.save(practice, code="S50", label="Session, 50 minutes", price_minor=14_000, shown=None, by=cast.DESK)
    return practice


@pytest.fixture
def page(browsing: Browsing, live_server: LiveServer, practice: Practice) -> Page:
    return office_page(browsing, live_server, practice)


def office_page(browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool = True) -> Page:
    page = browsing.window(live_server.url, javascript=javascript)
    carry(page, live_server.url, cast.signed_in(Browser(), cast.fay(practice)), settings.SESSION_COOKIE_NAME)
    return page


class Presses:
    """Counts clicks, keys and choices from a list, each as one press."""

    def __init__(self, page: Page) -> None:
        self.page, self.number = page, 0

    def click(self, role: str, name: str) -> None:
        self.number += 1
        self.page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]  # A role's name.

    def enter(self) -> None:
        self.number += 1
        self.page.keyboard.press("Enter")

    def type_ahead(self, letter: str) -> None:
        """Chooses from the list that has the focus."""
        self.number += 1
        self.page.keyboard.press(letter)


def test_three_sessions_take_seven_presses_by_keyboard(page: Page, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    presses = Presses(page)
    page.goto(f"/office/clients/{ana.ref}/billing/")
    presses.click("link", "Invoice")
    total, services = page.locator("[data-total]"), page.get_by_label("Product or service")
    for number in (1, 2, 3):
        if number == 1:
            services.focus()
        else:
            presses.enter()
        expect(services).to_have_count(number)
        expect(services.nth(number - 1)).to_be_focused()
        presses.type_ahead("S")
        expect(page.get_by_label("Price").nth(number - 1)).to_have_value("140.00")
        expect(total).to_have_text(f"${140 * number}.00")
    presses.click("button", "Share with client")
    expect(page.get_by_role("heading", name="Invoice 1")).to_be_visible()
    assert presses.number <= 7
    assert Invoice.objects.get().total_minor == 42_000
    assert Invoice.objects.get().is_shared


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_three_sessions_take_five_clicks(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    page = office_page(browsing, live_server, practice, javascript=javascript)
    page.goto(f"/office/clients/{ana.ref}/billing/")
    presses = Presses(page)
    presses.click("link", "Invoice")
    for number in (1, 2, 3):
        presses.click("button", "S50 · Session, 50 minutes")
        expect(page.get_by_label("Price")).to_have_count(number)
        expect(page.locator("[data-total]")).to_have_text(f"${140 * number}.00")
    presses.click("button", "Share with client")
    expect(page.get_by_role("heading", name="Invoice 1")).to_be_visible()
    assert presses.number == 5
    assert [line.label for line in Invoice.objects.get().lines.all()] == ["Session, 50 minutes"] * 3


def test_amounts_follow_what_is_typed(page: Page, practice: Practice) -> None:
    page.goto(f"/office/clients/{cast.ana(practice).ref}/invoices/new/")
    total, price = page.locator("[data-total]"), page.get_by_label("Price")
    for typed, shown in (("1,250", "$1,250.00"), ("1.250,5", "$1,250.50"), ("$20-", "−$20.00"), ("140.005", "$0.00")):
        price.fill(typed)
        expect(total).to_have_text(shown)
    price.fill("12.5")
    page.get_by_label("Quantity").fill("3")
    expect(total).to_have_text("$37.50")
    page.get_by_label("Product or service").select_option(label="S50 · Session, 50 minutes")
    expect(price).to_have_value("12.5")


def test_two_clients_get_the_same_bill_in_six_presses(page: Page, practice: Practice) -> None:
    for client in (cast.ana(practice), cast.bea(practice)):
        cast.with_access(client)
    presses = Presses(page)
    page.goto("/office/invoices/")
    presses.click("link", "New invoice")
    page.get_by_label("Search clients").fill("bea")
    expect(page.get_by_role("checkbox")).to_have_count(1)
    presses.click("checkbox", "Bea Berg")
    page.get_by_label("Search clients").fill("ana")
    expect(page.get_by_role("checkbox")).to_have_count(2)
    expect(page.get_by_label("Bea Berg")).to_be_checked()
    presses.click("checkbox", "Ana Abreu")
    presses.click("button", "Continue")
    page.get_by_label("Product or service").focus()
    presses.type_ahead("S")
    presses.click("button", "Share with 2 clients")
    expect(page.get_by_text("2 invoices are shared. 2 clients get an email.")).to_be_visible()
    assert presses.number == 6
    assert [invoice.total_minor for invoice in Invoice.objects.all()] == [14_000] * 2


def test_the_last_invoice_is_repeated_in_two_presses(page: Page, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.bill(ana, 14_000)
    presses = Presses(page)
    page.goto(f"/office/clients/{ana.ref}/billing/")
    presses.click("link", "Repeat last invoice")
    expect(page.locator("[data-total]")).to_have_text("$140.00")
    presses.click("button", "Share with client")
    expect(page.get_by_role("heading", name="Invoice 2")).to_be_visible()
    assert presses.number == 2


@pytest.mark.parametrize("trouble", ["no network", "a failure"])
def test_a_draft_that_is_not_saved_as_typed_says_so(
    page: Page, practice: Practice, browsing: Browsing, trouble: str
) -> None:
    entry = InvoiceInput(clock.today(practice.time_zone), lines=(LineInput("Session", 14_000),))
    draft = invoicing.create_draft(cast.ana(practice), entry, by=cast.DESK)
    page.goto(f"/office/invoices/{draft.ref}/draft/")
    if trouble == "no network":
        page.route("**/typed/", lambda route: route.abort())
    else:
        page.route("**/typed/", lambda route: route.fulfill(status=500))
    note = page.get_by_label("Description")
    note.fill("Session by phone")
    said = page.get_by_text("What you typed couldn’t be saved. We’ll try again as you type.")
    expect(said).to_be_in_viewport()

    page.unroute_all()
    note.fill("Session by video")
    expect(said).to_have_count(0)
    draft.refresh_from_db()
    assert "Session by video" in str(draft.typed)
    if trouble == "no network":
        # htmx also logs it.
        assert "Failed to fetch" in browsing.complaints.pop()
