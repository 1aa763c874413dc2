"""Recording, undoing and refunding a payment in a real browser, with the presses counted."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing.models import Payment, Refund
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.chromium import Browsing, carry
from tests.support.browser.press_counter import Presses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def office(browsing: Browsing, live_server: LiveServer, practice: Practice) -> Page:
    page = browsing.window(live_server.url)
    carry(page, live_server.url, cast.signed_in(Browser(), cast.ines(practice)), settings.SESSION_COOKIE_NAME)
    return page


def test_cash_takes_three_presses_and_undoing_it_two(office: Page, ana: Client) -> None:
    cast.bill(ana, 14_000)
    cast.bill(ana, 7_000)
    office.goto(f"/office/clients/{ana.ref}/billing/")
    cash, undo = Presses(), Presses()
    cash.press(office.get_by_role("link", name="Record a payment"))
    expect(office.get_by_label("Amount")).to_have_value("210.00")
    cash.press(office.get_by_label("Cash"))
    cash.press(office.get_by_role("button", name="Record payment"))
    expect(office.get_by_text("$210.00 was recorded.")).to_be_visible()
    expect(office.get_by_test_id("balance")).to_have_attribute("data-amount", "0")
    assert cash.count == 3

    undo.press(office.get_by_role("link", name="Undo payment"))
    undo.press(office.get_by_role("button", name="Undo payment"))
    expect(office.get_by_test_id("balance")).to_have_attribute("data-amount", "21000")
    assert undo.count == 2
    assert Payment.objects.get().is_taken_back


def test_a_refund_takes_four_presses(office: Page, ana: Client) -> None:
    cast.cash(ana, 21_000)
    office.goto("/office/clients/")
    refund = Presses()
    refund.press(office.get_by_role("link", name="Payments", exact=True).first)
    refund.press(office.get_by_role("link", name="Refund"))
    amount, button = office.get_by_label("Amount"), office.get_by_role("button", name="Record refund")
    expect(button).to_contain_text("$210.00")
    amount.fill("1,000.5")
    expect(button).to_contain_text("$1,000.50")
    amount.fill("210")
    refund.press(office.get_by_label("Paid twice by mistake"))
    refund.press(button)
    expect(office.get_by_text("$210.00")).not_to_have_count(0)
    assert refund.count == 4
    assert Refund.objects.get().amount_minor == 21_000
