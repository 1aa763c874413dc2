"""Invoices, receipts and statements as pages and PDFs: content and access."""

import re
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.models import Invoice, Payment
from portico.domain.billing.payments import manual_payments, refunds
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.portal_client import Browser

PORTAL = "/portal/alder-street"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(ana: Client) -> Browser:
    return cast.in_the_portal(Browser(), ana)


@pytest.fixture
def bill(ana: Client) -> Invoice:
    cast.with_access(ana)
    return cast.bill(ana, 14_000)


@pytest.fixture
def paid(ana: Client, bill: Invoice) -> Payment:
    return cast.cash(ana, 4_000, invoice=bill)


def text_of(answer: Any) -> str:  # Any: Django's test answer.
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages).split())


def without_billing_documents(person: Client) -> None:
    PortalAccess.objects.filter(client=person).update(access_billing_documents=False)


def test_the_office_downloads_an_invoice_as_pdf(office: Browser, bill: Invoice, paid: Payment) -> None:
    answer = office.get(f"/office/invoices/{bill.ref}/pdf/")
    text = text_of(answer)
    assert [
        words
        for words in ("Alder Street Therapy", "Number 1", "Ana Abreu", "Session, 50 minutes", "$140.00", "$100.00")
        if words not in text
    ] == []
    assert answer["Content-Disposition"] == 'attachment; filename="invoice-1.pdf"'


def test_a_draft_has_no_pdf(office: Browser, bill: Invoice) -> None:
    Invoice.objects.filter(pk=bill.pk).update(issued_at=None, number=None, shared_at=None)
    assert office.get(f"/office/invoices/{bill.ref}/pdf/").status_code == 404


def test_staff_opening_a_document_is_logged(office: Browser, ana: Client, bill: Invoice) -> None:
    for address in (f"invoices/{bill.ref}/pdf/", f"clients/{ana.ref}/billing/statement/pdf/"):
        office.get(f"/office/{address}")
    office.get(f"/office/clients/{ana.ref}/edit/portal/letter/")
    seen = AuditEntry.objects.filter(action=AuditAction.DOCUMENT_VIEWED, client=ana).order_by("id")
    assert [entry.details["kind"] for entry in seen] == ["invoice", "statement", "letter"]
    assert "Invoice 1 viewed as PDF" in office.get(f"/office/clients/{ana.ref}/activity/?show=seen").text


def test_portal_documents_use_the_portals_language(portal: Browser, bill: Invoice) -> None:
    portal.get(f"{PORTAL}/help/?language=es")
    text = text_of(portal.get(f"{PORTAL}/billing/{bill.ref}/pdf/"))
    assert "Factura" in text
    assert "Pendiente de pago" in text
    assert "<h1>Estado de cuenta</h1>" in re.sub(r"<h1[^>]*>", "<h1>", portal.get(f"{PORTAL}/billing/statement/").text)


def test_office_pdfs_use_the_clients_language(office: Browser, practice: Practice) -> None:
    bill = cast.bill(cast.client(practice, "Lucía", language="es"))
    assert "Factura" in text_of(office.get(f"/office/invoices/{bill.ref}/pdf/"))


@pytest.mark.parametrize("address", ["billing/{bill}/pdf/", "receipts/{paid}/", "receipts/{paid}/pdf/"])
def test_access_to_documents_is_checked_each_time(
    portal: Browser, ana: Client, bill: Invoice, paid: Payment, address: str
) -> None:
    path = f"{PORTAL}/{address.format(bill=bill.ref, paid=paid.ref)}"
    assert portal.get(path).status_code == 200
    without_billing_documents(ana)
    assert portal.get(path).status_code == 404


@pytest.mark.parametrize("address", ["billing/{bill}/pdf/", "receipts/{paid}/", "receipts/{paid}/pdf/"])
def test_carol_cannot_open_anas_documents(practice: Practice, bill: Invoice, paid: Payment, address: str) -> None:
    carol = cast.in_the_portal(Browser(), cast.carol(practice))
    assert carol.get(f"{PORTAL}/{address.format(bill=bill.ref, paid=paid.ref)}").status_code == 404


def test_an_unshared_invoice_has_no_portal_pdf(portal: Browser, bill: Invoice) -> None:
    invoice_sharing.unshare(bill, shown=None, by=cast.DESK)
    assert portal.get(f"{PORTAL}/billing/{bill.ref}/pdf/").status_code == 404


def test_a_receipt_shows_invoice_and_method(portal: Browser, paid: Payment) -> None:
    text = text_of(portal.get(f"{PORTAL}/receipts/{paid.ref}/pdf/"))
    assert "Receipt Number 1" in text
    assert "Invoice 1" in text
    assert "Cash" in text
    assert "$40.00" in text


def test_a_receipt_hides_unshared_invoices(portal: Browser, ana: Client) -> None:
    hidden = cast.bill(ana, shared=False)
    paid = cast.cash(ana, 4_000, invoice=hidden)
    page = portal.get(f"{PORTAL}/receipts/{paid.ref}/").text
    assert "Your account" in page
    assert "Invoice 1" not in page


def test_a_voided_payment_has_no_receipt(office: Browser, portal: Browser, paid: Payment) -> None:
    manual_payments.take_back(paid, reason="Bounced", shown=None, by=cast.DESK)
    assert office.get(f"/office/payments/{paid.ref}/receipt/").status_code == 404
    assert portal.get(f"{PORTAL}/receipts/{paid.ref}/").status_code == 404


def test_a_refund_has_its_own_receipt(office: Browser, portal: Browser, paid: Payment) -> None:
    refund = refunds.record_manual_refund(paid, amount_minor=1_500, reason="Too much", shown=None, by=cast.DESK)
    assert "$15.00" in text_of(portal.get(f"{PORTAL}/refunds/{refund.ref}/pdf/"))
    assert "$15.00" in text_of(office.get(f"/office/refunds/{refund.ref}/receipt/pdf/"))
    assert "$15.00" in portal.get(f"{PORTAL}/refunds/{refund.ref}/").text


def test_a_statement_covers_the_requested_period(portal: Browser, paid: Payment) -> None:
    text = text_of(portal.get(f"{PORTAL}/billing/statement/pdf/"))
    assert "Cash, receipt 1" in text
    assert "$100.00" in text
    old = portal.get(f"{PORTAL}/billing/statement/pdf/?begins_on=2020-01-01&ends_on=2020-12-31")
    assert "Cash" not in text_of(old)
    assert old["Content-Disposition"] == 'attachment; filename="statement-2020-01-01-2020-12-31.pdf"'


@pytest.mark.parametrize("period", ["begins_on=x&ends_on=2020-01-01", "begins_on=2021-01-01&ends_on=2020-01-01"])
def test_an_invalid_period_is_refused(portal: Browser, paid: Payment, period: str) -> None:
    assert portal.get(f"{PORTAL}/billing/statement/?{period}").status_code == 422
    assert portal.get(f"{PORTAL}/billing/statement/pdf/?{period}").status_code == 404


def test_pages_link_to_the_documents(
    office: Browser, portal: Browser, ana: Client, bill: Invoice, paid: Payment
) -> None:
    assert f"/invoices/{bill.ref}/pdf/" in office.get(f"/office/invoices/{bill.ref}/").text
    billing = office.get(f"/office/clients/{ana.ref}/billing/").text
    assert f"/payments/{paid.ref}/receipt/" in billing
    assert f"/clients/{ana.ref}/billing/statement/" in billing
    assert f"{PORTAL}/billing/statement/" in portal.get(f"{PORTAL}/billing/").text
    portal_page = portal.get(f"{PORTAL}/billing/{bill.ref}/").text
    assert f"{PORTAL}/billing/{bill.ref}/pdf/" in portal_page
    assert f"{PORTAL}/receipts/{paid.ref}/" in portal_page


def test_narrow_statement_rows_show_amount_and_balance(portal: Browser, paid: Payment) -> None:
    page = re.sub(r"\s*(</?(?:td|span)\b[^>]*>)\s*", r"\1", portal.get(f"{PORTAL}/billing/statement/").text)
    cell = '<span class="fold-label quiet small">{}</span>{}</td>'
    for label, amount in (("Invoiced", "$140.00"), ("Paid", "$40.00"), ("Balance", "$100.00")):
        assert cell.format(label, amount) in page
    # An empty cell is dropped instead of shown with its label.
    assert '<td class="num drop"><span class="fold-label quiet small">Paid</span></td>' in page


def test_the_portal_tab_links_to_guides_and_letter(office: Browser, ana: Client) -> None:
    page = office.get(f"/office/clients/{ana.ref}/edit/portal/").text
    assert "English (PDF)" in page
    assert "Español (PDF)" in page
    for address, words in (
        ("/office/help/getting-started/en/", "Getting started"),
        ("/office/help/getting-started/es/", "Primeros pasos"),
        (f"/office/clients/{ana.ref}/edit/portal/letter/", "for Ana Abreu."),
    ):
        assert address in page
        assert words in text_of(office.get(address))


def test_a_guide_in_an_unknown_language_is_404(office: Browser) -> None:
    assert office.get("/office/help/getting-started/fr/").status_code == 404


def test_staff_are_warned_of_undrawable_characters(office: Browser, practice: Practice) -> None:
    mei = cast.client(practice, "Mei 😀", "สม", address="mei@mail.example")
    bill = cast.bill(mei, label="Session ☃ 😀")
    paid = cast.cash(mei, 100, invoice=bill)
    one = f"/office/clients/{mei.ref}/"
    places = {
        f"/office/invoices/{bill.ref}/": "😀สม",
        f"/office/payments/{paid.ref}/receipt/": "😀สม",
        f"{one}billing/statement/": "😀สม",
        f"{one}edit/portal/": "😀สม",
    }
    assert {
        place: f'data-unprinted="{characters}"' in office.get(place).text for place, characters in places.items()
    } == (dict.fromkeys(places, True))
    assert "Mei \ufffd \ufffd\ufffd" in text_of(office.get(f"/office/invoices/{bill.ref}/pdf/"))


def test_drawable_names_cause_no_warning(office: Browser, practice: Practice) -> None:
    yamada = cast.client(practice, "太郎", "山田", address="taro@mail.example")
    bill = cast.bill(yamada)
    for place in (f"/office/invoices/{bill.ref}/", f"/office/clients/{yamada.ref}/edit/portal/"):
        assert "data-unprinted" not in office.get(place).text
    assert "太郎 山田" in text_of(office.get(f"/office/invoices/{bill.ref}/pdf/"))
