"""A bill in a real browser: drafted, issued and shared in the office, seen by the client."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing.ledger import verification
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.chromium import Browsing, carry

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_bill_is_issued_shared_seen_and_paid_in_cash(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    portal = cast.in_the_portal(Browser(), ana)
    desk = cast.signed_in(Browser(), cast.fay(practice))
    office = browsing.window(live_server.url, javascript=javascript)
    carry(office, live_server.url, desk, settings.SESSION_COOKIE_NAME)
    client = browsing.window(live_server.url, javascript=javascript, width=390)
    carry(client, live_server.url, portal, settings.CLIENT_COOKIE_NAME)

    office.goto(f"/office/clients/{ana.ref}/")
    office.get_by_role("link", name="Billing").click()
    office.get_by_role("link", name="Invoice", exact=True).click()
    office.get_by_label("Description").fill("Session, 50 minutes")
    office.get_by_label("Price").fill("140.00")
    office.get_by_role("button", name="Add item").click()
    office.get_by_label("Description").nth(1).fill("Discount")
    office.get_by_label("Price").nth(1).fill("-20")
    office.get_by_role("button", name="Share with client").click()
    expect(office.get_by_role("heading", name="Invoice 1")).to_be_visible()
    expect(office.get_by_text("An email is on its way to ana@mail.example.")).to_be_visible()

    client.goto("/portal/alder-street/home/")
    client.get_by_role("link", name="Billing & Payments", exact=True).click()
    expect(client.get_by_test_id("balance")).to_have_text("$120.00")
    expect(client.get_by_test_id("invoice-row")).to_have_attribute("data-status", "unpaid")
    client.get_by_role("link", name="Invoice 1").click()
    expect(client.get_by_role("rowheader", name="Session, 50 minutes")).to_be_visible()

    office.get_by_role("link", name="Record a payment").click()
    office.get_by_label("Cash").check()
    office.get_by_role("button", name="Record payment").click()
    expect(office.get_by_test_id("invoice-row")).to_have_attribute("data-status", "paid")

    client.get_by_role("link", name="Back to Billing & Payments").click()
    expect(client.get_by_test_id("balance")).to_have_text("$0.00")
    expect(client.get_by_test_id("invoice-row")).to_have_attribute("data-status", "paid")
    assert Invoice.objects.get().is_paid
    assert list(verification.mismatches()) == []
