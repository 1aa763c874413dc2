"""A refund of 210 out of 420 is shown consistently on every page, file and document."""

import csv
import re
from datetime import timedelta
from html import unescape
from io import BytesIO, StringIO

import pytest
from django.test import Client as Browser
from pypdf import PdfReader

from portico.domain.billing.invoices import shared_invoices
from portico.domain.billing.ledger import statements
from portico.domain.billing.models import AttemptState, Invoice, Refund
from portico.domain.billing.payments import account_credits, refunds
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery
from tests import cast
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PORTAL = "/portal/alder-street/"
SUMS = "Invoiced $420.00 Paid −$420.00 Refunded $210.00 Adjusted −$210.00"
OF_INVOICE = "Total $420.00 Paid −$420.00 Refunded $210.00 Adjusted −$210.00 Balance due $0.00"


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture
def refund(ana: Client) -> Refund:
    paid = cast.cash(ana, 42_000, invoice=cast.bill(ana, 42_000))
    return refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)


@pytest.fixture
def portal(ana: Client) -> Browser:
    return cast.in_the_portal(Browser(), ana)


@pytest.fixture
def biller(practice: Practice) -> Browser:
    return cast.signed_in_with_factor(Browser(), cast.ines(practice))


def text_of(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    if answer["Content-Type"] == "application/pdf":
        words = " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
        return " ".join(words.split())
    return plain(answer.content)


def columns(browser: Browser, address: str) -> list[str]:
    return [unescape(head) for head in re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", browser.get(address).text)]


def test_statement_shows_all_four_sums(office: Browser, portal: Browser, refund: Refund, ana: Client) -> None:
    for browser, page in ((office, f"/office/clients/{ana.ref}/"), (portal, PORTAL)):
        for kind in ("", "pdf/"):
            assert f"{SUMS} Account balance $0.00" in text_of(browser, f"{page}billing/statement/{kind}")
        heads = columns(browser, f"{page}billing/statement/")
        assert heads == ["Date", "Description", "Invoiced", "Paid", "Refunded", "Adjusted", "Balance"]


def test_a_statement_without_refunds_has_no_columns_for_them(portal: Browser, ana: Client) -> None:
    cast.cash(ana, 4_000, invoice=cast.bill(ana))
    assert columns(portal, f"{PORTAL}billing/statement/") == ["Date", "Description", "Invoiced", "Paid", "Balance"]


def test_the_statement_adds_up_in_spanish(portal: Browser, refund: Refund) -> None:
    portal.get(f"{PORTAL}help/?language=es")
    words = text_of(portal, f"{PORTAL}billing/statement/pdf/")
    assert "Facturado $420.00 Pagado −$420.00 Reembolsado $210.00 Ajustado −$210.00 Saldo de la cuenta $0.00" in words


def test_the_account_box_has_the_same_sums(office: Browser, refund: Refund, ana: Client) -> None:
    page = text_of(office, f"/office/clients/{ana.ref}/billing/")
    assert f"{SUMS} Balance $0.00" in page
    assert "Paid $210.00 refunded" in page


def test_an_invoice_has_the_same_sums_everywhere(office: Browser, portal: Browser, refund: Refund) -> None:
    ref = Invoice.objects.get().ref
    for address in (f"/office/invoices/{ref}/", f"/office/invoices/{ref}/pdf/"):
        assert OF_INVOICE in text_of(office, address)
    assert OF_INVOICE in text_of(portal, f"{PORTAL}billing/{ref}/pdf/")
    assert OF_INVOICE.replace("Paid", "Paid Cash") in text_of(portal, f"{PORTAL}billing/{ref}/")
    assert "Cash · $210.00 refunded" in text_of(portal, f"{PORTAL}billing/")


def test_an_invoice_shows_its_own_part_of_a_refund(office: Browser, ana: Client) -> None:
    bill = cast.bill(ana, 42_000)
    paid = cast.cash(ana, 50_000, invoice=bill)
    refunds.record_manual_refund(paid, amount_minor=29_000, reason="Too much", shown=None, by=cast.DESK)
    page = text_of(office, f"/office/invoices/{bill.ref}/")
    assert "Cash $420.00" in page
    assert "Refunded −$210.00" in page


def test_each_row_of_the_export_adds_up(biller: Browser, refund: Refund, ana: Client) -> None:
    cast.bill(ana, 9_000)
    rows = list(csv.DictReader(StringIO(biller.get("/office/invoices/file/").getvalue().decode("utf-8-sig"))))
    names = ("Invoiced", "Paid", "Refunded", "Adjusted", "Balance due")
    assert [rows[0][name] for name in names] == ["420.00", "420.00", "210.00", "-210.00", "0.00"]
    assert [rows[1][name] for name in names] == ["90.00", "0.00", "0.00", "0.00", "90.00"]


def test_the_reports_have_the_same_sums(office: Browser, refund: Refund) -> None:
    assert "November 2026 $420.00 $420.00 $210.00 −$210.00" in text_of(office, "/office/invoices/figures/")
    assert "$210.00 refunded this month" in text_of(office, "/office/invoices/figures/")


def test_receipts_show_refunds(office: Browser, portal: Browser, refund: Refund) -> None:
    paid = refund.payment
    assert "Amount paid $420.00 Refunded −$210.00" in text_of(portal, f"{PORTAL}receipts/{paid.ref}/")
    assert "Refunded $210.00" in text_of(office, f"/office/refunds/{refund.ref}/receipt/pdf/")


def test_recording_a_payment_shows_sums_that_add_up(office: Browser, ana: Client) -> None:
    bill = cast.bill(ana, 42_000)
    paid = cast.cash(ana, 30_000, invoice=bill)
    refunds.record_manual_refund(paid, amount_minor=10_000, reason="Too much", shown=None, by=cast.DESK)
    page = text_of(office, f"/office/invoices/{bill.ref}/payment/")
    assert "Total $420.00 Paid −$300.00 Refunded $100.00 Adjusted −$100.00 Balance due $120.00" in page


def test_parts_of_a_statement_carry_the_balance(portal: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "LINES_PER_PART", 3)
    for amount in (1_000, 2_000, 3_000, 4_000):
        cast.bill(ana, amount)
    first = portal.get(f"{PORTAL}billing/statement/")
    assert "part 1 of 2" in plain(first.content)
    assert "Balance carried forward $60.00" in plain(first.content)
    later = re.search(r'href="(\?[^"]*part=2)"', first.text)
    assert later
    second = text_of(portal, f"{PORTAL}billing/statement/{unescape(later[1])}")
    assert "Balance brought forward $60.00 Invoiced $40.00 Paid $0.00 Account balance $100.00" in second
    assert "Total of all 2 parts: Invoiced $100.00, Paid $0.00." in second
    pdf = portal.get(f"{PORTAL}billing/statement/pdf/{unescape(later[1])}")
    assert pdf["Content-Disposition"].endswith('-part-2.pdf"')
    assert "Balance brought forward $60.00" in " ".join(PdfReader(BytesIO(pdf.content)).pages[0].extract_text().split())


@pytest.mark.parametrize("part", ["0", "-1", "x", "99999", "２", "7"])
def test_unknown_part_shows_the_default_part(portal: Browser, ana: Client, part: str) -> None:
    cast.bill(ana)
    assert "Account balance $140.00" in text_of(portal, f"{PORTAL}billing/statement/?part={part}")


def test_statement_links_to_each_year_with_movements(office: Browser, ana: Client) -> None:
    page = f"/office/clients/{ana.ref}/billing/statement/"
    assert "Statements by year" not in office.get(page).text
    today = clock.today(ana.practice.time_zone)
    cast.bill(ana, 14_000, due_on=today - timedelta(days=800))
    cast.bill(ana, 5_000)
    years = re.findall(r'<a href="(\?begins_on[^"]*)"[^>]*>(\d{4})</a>', office.get(page).text)
    assert [year for _query, year in years] == ["2026", "2025", "2024"]
    assert "Account balance $140.00" in text_of(office, page + unescape(years[2][0]))
    assert "Previous balance $140.00" in text_of(office, page)


def test_statement_may_start_before_the_first_movement(portal: Browser, ana: Client) -> None:
    cast.bill(ana)
    assert "Account balance $140.00" in text_of(portal, f"{PORTAL}billing/statement/?begins_on=1850-01-01")


def list_at_most_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists two unpaid invoices at most; the query is compiled again, since the limit is a part of it."""
    monkeypatch.setattr(shared_invoices, "MAX_UNPAID", 2)
    listed = shared_invoices._listed
    monkeypatch.setitem(CompiledQuery.known, listed.name, listed)
    monkeypatch.setattr(shared_invoices, "_listed", CompiledQuery(listed.queryset))


def test_portal_says_if_unpaid_invoices_are_omitted(
    portal: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_at_most_two(monkeypatch)
    for _number in range(3):
        cast.bill(ana)
    page = text_of(portal, f"{PORTAL}billing/")
    assert "3 invoices to pay" in page
    assert "Showing the first 2 of 3 invoices, oldest due date first." in page


def test_billing_tab_says_if_payments_are_omitted(
    office: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.web.office.clients.client_billing.MAX_PAYMENTS", 2)
    cast.cash(ana, 1_000)
    cast.cash(ana, 2_000)
    tab = f"/office/clients/{ana.ref}/billing/"
    assert "latest " not in text_of(office, tab)
    cast.cash(ana, 3_000)
    page = text_of(office, tab)
    assert "This list shows the latest 2 payments and credits. See the statement for all of them." in page
    assert "$10.00" not in page


def test_payments_in_review_say_if_there_are_more(
    office: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.web.office.billing.payments_in_review.MAX_ROWS", 2)
    account_credits.ask_for_refund(cast.cash(ana, 1_000), reason="Paid twice")
    assert "of each kind are listed" not in text_of(office, "/office/payments/")
    account_credits.ask_for_refund(cast.cash(ana, 2_000), reason="Paid twice")
    account_credits.ask_for_refund(cast.cash(ana, 3_000), reason="Paid twice")
    page = text_of(office, "/office/payments/")
    assert "Up to 2 of each kind are listed." in page
    assert "$30.00" not in page


def test_portal_says_if_processing_ones_are_omitted(
    portal: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_at_most_two(monkeypatch)
    cast.attempt(*[cast.bill(ana) for _number in range(3)], state=AttemptState.PROCESSING)
    assert "Showing up to 2 processing invoices" in text_of(portal, f"{PORTAL}billing/")
