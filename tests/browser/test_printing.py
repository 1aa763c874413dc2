"""Printed pages: the practice, the client and the date, and no buttons."""

import re

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Invoice, Payment
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.domain.practices.staff import recovery_codes
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text import time_formatting
from portico.web import staff_verification
from tests import cast
from tests.support.browser.chromium import Browsing, carry

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

PORTAL = "/portal/alder-street/"
# Everything that can be pressed, if it is visible.
PRESSABLE = """
    [...document.querySelectorAll("nav, button, .button, [role=search], .skip, summary")]
        .filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 200))
"""


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.fixture
def ana(practice: Practice) -> Client:
    """A client with access, an invitation, and an invoice of $420.00 with $50.00 paid."""
    ana = cast.ana(practice)
    cast.invited(ana)
    cast.cash(ana, 5_000, invoice=cast.bill(ana, 42_000))
    return ana


def printed(page: Page, address: str = "") -> str:
    """Returns the text of a page as printed; without a URL, of the open page."""
    page.emulate_media(media="print")
    if address:
        page.goto(address)
    assert page.evaluate(PRESSABLE) == [], address
    text: str = page.evaluate("document.body.innerText")
    assert time_formatting.full_day(clock.today("America/New_York"), "en") in text, address
    assert "Alder Street" in text, address
    page.emulate_media(media="screen")
    return text


@pytest.fixture
def office(browsing: Browsing, live_server: LiveServer, practice: Practice) -> Page:
    owner = cast.signed_in(Browser(), cast.elm(practice))
    return carry(browsing.window(live_server.url), live_server.url, owner, settings.SESSION_COOKIE_NAME)


def test_pages_of_a_client_name_the_client(office: Page, ana: Client) -> None:
    one, email = f"/office/clients/{ana.ref}/", OutgoingEmail.objects.order_by("id")[0]

    for page in ("", "billing/", "activity/", "edit/info/", "edit/portal/", "billing/statement/", "billing/payment/"):
        assert "Ana Abreu" in printed(office, f"{one}{page}"), page
    assert "Ana Abreu" in printed(office, f"/office/emails/{email.ref}/")


def test_the_overview_and_billing_have_the_balance(office: Page, ana: Client) -> None:
    for page in ("", "billing/"):
        text = printed(office, f"/office/clients/{ana.ref}/{page}")
        assert re.search(r"Balance\s+\$370\.00", text), page


def test_pages_of_a_bill_name_the_client(office: Page, ana: Client) -> None:
    invoice, payment, today = Invoice.objects.get(), Payment.objects.get(), clock.today("America/New_York")
    draft = invoicing.create_draft(ana, InvoiceInput(today, today, (LineInput("Session", 14_000),)), by=cast.DESK)

    for address in (
        *(f"invoices/{invoice.ref}/", f"invoices/{invoice.ref}/void/", f"invoices/{draft.ref}/draft/"),
        *(f"payments/{payment.ref}/receipt/", f"payments/{payment.ref}/refund/"),
    ):
        assert "Ana Abreu" in printed(office, f"/office/{address}"), address


def test_lists_and_figures_keep_their_heading(office: Page, ana: Client) -> None:
    for address, heading in (
        *(("clients/", "Clients"), ("invoices/", "Invoices"), ("invoices/figures/", "Reports")),
        *(("emails/", "Emails"), ("settings/trail/", "Audit log"), ("settings/team/", "Team")),
    ):
        assert heading in printed(office, f"/office/{address}"), address


def test_a_pin_names_its_client(office: Page, ana: Client) -> None:
    office.goto(f"/office/clients/{ana.ref}/edit/portal/")
    office.get_by_label("I checked who is calling").check()
    office.get_by_role("button", name="Generate PIN").click()
    shown = office.get_by_test_id("pin").inner_text()

    text = printed(office)

    assert shown in text
    assert "Ana Abreu" in text


def test_recovery_codes_name_their_owner(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    elm = cast.elm(practice)
    cast.with_authenticator(elm)
    owner = cast.signed_in_with_factor(Browser(), elm)
    session = owner.session
    assert isinstance(session, SessionStore)
    staff_verification.show_codes(session, first=False)
    session.save()
    page = carry(browsing.window(live_server.url), live_server.url, owner, settings.SESSION_COOKIE_NAME)

    text = printed(page, "/office/sign-in/recovery-codes/")

    assert "Dr. Naomi Elm" in text
    assert recovery_codes.unused(elm)[0] in text


def test_pages_of_the_portal_name_the_client(browsing: Browsing, live_server: LiveServer, ana: Client) -> None:
    portal = cast.in_the_portal(Browser(), ana)
    page = carry(browsing.window(live_server.url), live_server.url, portal, settings.CLIENT_COOKIE_NAME)
    invoice, payment = Invoice.objects.get(), Payment.objects.get()

    for address in (
        *("home/", "billing/", "billing/statement/", "profile/"),
        *(f"billing/{invoice.ref}/", f"receipts/{payment.ref}/"),
    ):
        assert "Ana Abreu" in printed(page, f"{PORTAL}{address}"), address
