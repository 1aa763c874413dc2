"""Status and sums of partly paid, draft and void invoices agree in the office, the portal and the export."""

import csv
import re
from html import unescape
from io import StringIO

import pytest

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import AttemptState, Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.portal_client import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PORTAL = "/portal/alder-street/billing/"


@pytest.fixture
def ana(office: Browser, practice: Practice) -> Client:
    """Returns Ana; depends on `office` so that staff are signed in."""
    return cast.ana(practice)


@pytest.fixture
def half_paid(ana: Client) -> Invoice:
    """Returns an invoice with $40.00 of $140.00 paid in cash."""
    invoice = cast.bill(ana)
    cast.cash(ana, 4_000, invoice=invoice)
    return invoice


@pytest.fixture
def draft(ana: Client) -> Invoice:
    today = clock.today(ana.practice.time_zone)
    return invoicing.create_draft(ana, InvoiceInput(today, today, (LineInput("Session", 9_900),)), by=cast.DESK)


def visible_text(browser: Browser, place: str) -> str:
    """Returns the visible text of a page, in one line."""
    page = re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", browser.get(place).content.decode(), flags=re.DOTALL)
    return " ".join(unescape(page).split())


def row(browser: Browser, place: str, invoice: Invoice) -> str:
    found = re.search(rf'<(tr|li)[^>]*data-ref="{invoice.ref}".*?</\1>', browser.get(place).content.decode(), re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[0], flags=re.DOTALL)).split())


@pytest.mark.parametrize("place", ["/office/invoices/", "/office/clients/{}/billing/", "/office/clients/{}/"])
def test_office_lists_show_a_part_payment(office: Browser, half_paid: Invoice, place: str) -> None:
    assert "Unpaid $40.00 of $140.00 paid" in row(office, place.format(half_paid.client.ref), half_paid)


def test_the_invoice_page_shows_a_part_payment(office: Browser, half_paid: Invoice) -> None:
    page = visible_text(office, f"/office/invoices/{half_paid.ref}/")
    assert "Unpaid $100.00 of $140.00 still to pay" in page
    assert "Total $140.00 Paid −$40.00 Balance due $100.00" in page


def test_the_portal_shows_a_part_payment(half_paid: Invoice) -> None:
    portal = cast.in_the_portal(Browser(), half_paid.client)
    assert "Unpaid $100.00 of $140.00 still to pay" in row(portal, PORTAL, half_paid)
    page = visible_text(portal, f"{PORTAL}{half_paid.ref}/")
    assert "Unpaid $100.00 of $140.00 still to pay" in page
    assert "Total $140.00 Paid Cash −$40.00 Balance due $100.00" in page
    assert "Unpaid Cash" not in page


def test_processing_does_not_mention_earlier_cash(half_paid: Invoice) -> None:
    portal = cast.in_the_portal(Browser(), half_paid.client)
    half_paid.refresh_from_db()
    cast.attempt(half_paid, state=AttemptState.PROCESSING)
    page = visible_text(portal, f"{PORTAL}{half_paid.ref}/")
    assert "Processing $100.00 of $140.00 still to pay" in page


def test_a_paid_invoice_shows_the_method(half_paid: Invoice) -> None:
    cast.cash(half_paid.client, 10_000, invoice=half_paid)
    portal = cast.in_the_portal(Browser(), half_paid.client)
    page = visible_text(portal, f"{PORTAL}{half_paid.ref}/")
    assert "$140.00 Paid Cash" in page
    assert "Paid Cash −$140.00 Balance due $0.00" in page
    assert "still to pay" not in page


def test_a_draft_has_nothing_to_pay(office: Browser, draft: Invoice) -> None:
    for place in ("/office/invoices/", f"/office/clients/{draft.client.ref}/billing/"):
        shown = row(office, place, draft)
        assert shown.endswith("$99.00 —"), shown
    assert "Total outstanding: $0.00" in visible_text(office, "/office/invoices/")
    assert 'data-amount="0"' in office.get(f"/office/clients/{draft.client.ref}/billing/").content.decode()


def test_the_export_shows_the_same_sums(half_paid: Invoice, draft: Invoice) -> None:
    void = cast.bill(half_paid.client)
    invoicing.void(void, reason="Created by mistake", shown=None, by=cast.DESK)
    biller = cast.signed_in(Browser(), cast.ines(half_paid.practice))
    heads, *rows = csv.reader(StringIO(biller.get("/office/invoices/file/").getvalue().decode("utf-8-sig")))
    places = [heads.index(name) for name in ("Total", "Invoiced", "Paid", "Balance due")]
    sums_by_status = {row[2]: tuple(row[place] for place in places) for row in rows}
    assert sums_by_status == {
        "Unpaid": ("140.00", "140.00", "40.00", "100.00"),
        "Draft": ("99.00", "0.00", "0.00", "0.00"),
        "Void": ("140.00", "0.00", "0.00", "0.00"),
    }
