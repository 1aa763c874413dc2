"""The office's billing pages: drafting, sharing, payments, refunds, credit, voiding, filters and export."""

import csv
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import bill_mails
from portico.domain.billing.invoices import invoice_list, invoice_sharing, invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.invoices.invoice_list import InvoiceQuery
from portico.domain.billing.invoices.invoice_sharing import SharingOutcome
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Credit, Invoice, Payment, Refund, ServiceItem, SharingRun
from portico.domain.billing.payments import account_credits
from portico.domain.clients.models import Client
from portico.domain.practices import suspension
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.web.open_pages import Tab

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture
def biller(practice: Practice) -> Browser:
    return cast.signed_in(Browser(), cast.ines(practice))


def typed(*lines: tuple[str, str, str], **extra: str) -> dict[str, str]:
    """Returns the draft form's data, given description, quantity and price of each line."""
    form = {
        "dated_on": f"{clock.today('America/New_York'):%m/%d/%Y}",
        "due": "14",
        "lines-TOTAL_FORMS": str(len(lines)),
        "lines-INITIAL_FORMS": "0",
    }
    for number, (label, quantity, price) in enumerate(lines):
        form |= {
            f"lines-{number}-label": label,
            f"lines-{number}-quantity": quantity,
            f"lines-{number}-price": price,
        }
    return form | extra


def test_a_new_draft_is_shared_and_emailed_in_one_step(office: Browser, ana: Client) -> None:
    form = typed(("Session, 50 minutes", "2", "140.00"), ("Discount", "1", "-30"), action="share", tell="on")
    answer = office.post(f"/office/clients/{ana.ref}/invoices/new/", form, follow=True)
    invoice = Invoice.objects.get()
    assert (invoice.number, invoice.total_minor, invoice.is_shared) == (1, 25_000, True)
    page = answer.content.decode()
    assert "Invoice 1 is shared. An email is on its way to ana@mail.example." in page
    mail = OutgoingEmail.objects.get(kind=bill_mails.NEW_BILL)
    assert "Session" not in mail.subject


def test_the_page_says_why_no_email_is_sent(office: Browser, practice: Practice) -> None:
    carol = cast.client(practice, "Carol", address="carol@mail.example", email_ok=False)
    cast.with_access(carol)
    page = office.get(f"/office/clients/{carol.ref}/invoices/new/").content.decode()
    assert "carol@mail.example has no Email ok." in page
    office.post(f"/office/clients/{carol.ref}/invoices/new/", typed(("Session", "1", "140"), action="share"))
    assert not OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).exists()
    assert Invoice.objects.get().is_shared


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (("", "1", "140"), "Enter a description."),
        (("Session", "1", ""), "Enter a price, such as 140.00."),
        (("Session", "1.5", "140"), "Enter a whole number, such as 1."),
        (("Session", "1", "140.005"), "Amounts in USD have at most 2 decimals."),
        (("Session", "1", "-140"), "The total must be more than zero."),
        (("4242 4242 4242 4242", "1", "140"), "This looks like a card number."),
    ],
)
def test_invalid_lines_are_shown_again_as_typed(
    office: Browser, ana: Client, line: tuple[str, str, str], complaint: str
) -> None:
    answer = office.post(f"/office/clients/{ana.ref}/invoices/new/", typed(line, note="Thank you"))
    assert answer.status_code in {409, 422}
    page = answer.content.decode()
    assert complaint in page
    assert "Thank you" in page
    assert not Invoice.objects.exists()


def test_a_service_fills_in_its_name_and_price(office: Browser, ana: Client) -> None:
    item = ServiceItem.objects.create(practice=ana.practice, code="S50", label="Session", price_minor=14_000)
    form = typed(("", "", ""), **{"lines-0-item": item.ref})
    office.post(f"/office/clients/{ana.ref}/invoices/new/", form)
    line = Invoice.objects.get().lines.get()
    assert (line.label, line.amount_minor, line.item) == ("Session", 14_000, item)


def test_without_script_a_service_counts_before_saving(office: Browser, ana: Client) -> None:
    item = ServiceItem.objects.create(practice=ana.practice, code="S50", label="Session", price_minor=14_000)
    form = typed(("", "2", ""), **{"lines-0-item": item.ref})
    page = office.post(f"/office/clients/{ana.ref}/invoices/new/", form | {"add": "line"}).text
    assert "<b data-total>$280.00</b>" in page


def test_without_script_the_button_of_a_service_adds_its_line(office: Browser, ana: Client) -> None:
    item = ServiceItem.objects.create(practice=ana.practice, code="S50", label="Session", price_minor=14_000)
    place = f"/office/clients/{ana.ref}/invoices/new/"
    page = office.post(place, typed(("", "2", ""), add=item.ref)).text
    assert ("<b data-total>$280.00</b>" in page, 'name="lines-1-label"' in page) == (True, False)
    page = office.post(place, typed(("Session", "2", "140.00"), add=item.ref)).text
    assert ("<b data-total>$420.00</b>" in page, 'name="lines-1-label"' in page) == (True, True)


def test_the_services_that_a_client_gets_have_buttons_first(office: Browser, ana: Client) -> None:
    codes = [f"S{number}" for number in range(8)]
    items = [
        service_items.save(ana.practice, code=code, label=code, price_minor=100, shown=None, by=cast.DESK)
        for code in codes
    ]
    today = clock.today(ana.practice.time_zone)
    for item in (items[7], items[5]):
        line = LineInput(item.label, item.price_minor, 1, today, item)
        invoicing.create_draft(ana, InvoiceInput(today, None, (line,)), by=cast.DESK)
    cast.bill(cast.carol(ana.practice), 14_000)
    page = office.get(f"/office/clients/{ana.ref}/invoices/new/").text
    buttons = re.findall(r'<span class="break">(S\d) · S\d</span></button>', page)
    assert buttons == ["S5", "S7", "S0", "S1", "S2", "S3"]


@pytest.mark.parametrize("price", ["0", "-140"])
def test_a_total_of_nothing_is_not_shared(office: Browser, ana: Client, price: str) -> None:
    place, share = f"/office/clients/{ana.ref}/invoices/new/", {"action": "share", "tell": "on"}
    answer = office.post(place, typed(("Session", "1", price), **share))
    assert answer.status_code == 422
    assert "The total must be more than zero." in answer.text
    assert office.post(place, typed(("", "1", ""), **share)).status_code == 422
    assert not Invoice.objects.exists()


def test_adding_a_line_keeps_an_opening_balance(office: Browser, ana: Client) -> None:
    place = f"/office/clients/{ana.ref}/invoices/new/?opening"
    page = office.post(place, typed(("Balance", "1", "140"), add="line")).text
    assert f'formaction="{place}#lines"' in page


def test_lines_are_added_and_removed_without_saving(office: Browser, ana: Client) -> None:
    place = f"/office/clients/{ana.ref}/invoices/new/"
    page = office.post(place, typed(("Session", "1", "140"), add="line")).content.decode()
    assert 'name="lines-1-label"' in page
    page = office.post(place, typed(("One", "1", "1"), ("Two", "1", "2"), remove="0")).content.decode()
    assert "Two" in page
    assert "One" not in page
    assert not Invoice.objects.exists()


def test_autosaved_input_is_shown_again(office: Browser, ana: Client) -> None:
    office.post(f"/office/clients/{ana.ref}/invoices/new/", typed(("Session", "1", "140")))
    invoice = Invoice.objects.get()
    half = typed(("Sess", "1", "14x"), version=str(invoice.version))
    assert office.post(f"/office/invoices/{invoice.ref}/draft/typed/", half).status_code == 204
    page = office.get(f"/office/invoices/{invoice.ref}/draft/").content.decode()
    assert 'value="14x"' in page


def test_a_concurrent_edit_overwrites_nothing(office: Browser, ana: Client) -> None:
    office.post(f"/office/clients/{ana.ref}/invoices/new/", typed(("Session", "1", "140")))
    invoice = Invoice.objects.get()
    place = f"/office/invoices/{invoice.ref}/draft/"
    office.post(place, typed(("Theirs", "1", "150"), version=str(invoice.version)))
    answer = office.post(place, typed(("Mine", "1", "160"), version=str(invoice.version)))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs" in page
    assert "Mine" in page
    assert Invoice.objects.get().total_minor == 15_000


def test_a_repeated_form_records_cash_once(office: Browser, ana: Client) -> None:
    invoice = cast.bill(ana)
    tab = Tab(office, f"/office/invoices/{invoice.ref}/payment/")
    for _press in range(2):
        assert tab.press({"kind": "cash"}, follow=False).status_code == 302
    assert Payment.objects.count() == 1
    page = office.get(f"/office/invoices/{invoice.ref}/").content.decode()
    assert 'data-status="paid"' in page
    assert "<b>recorded</b> by Fay. Paid outside Portico." in page


def test_a_manual_refund_leaves_the_invoice_paid(biller: Browser, ana: Client) -> None:
    invoice = cast.bill(ana)
    payment = cast.cash(ana, 14_000, invoice=invoice)
    place = f"/office/payments/{payment.ref}/refund/"
    tab = Tab(biller, place)
    refused = tab.press({"amount": "140.01", "why": "Wrong price"})
    assert refused.status_code == 422
    # Without script the button cannot know the amount in the field.
    button = re.search(r'<button class="button danger primary".*?</button>', refused.text, re.DOTALL)
    assert button is not None
    assert "Record refund" in button[0]
    assert "$" not in button[0]
    tab.press({"amount": "40", "why": "Wrong price"})
    assert Refund.objects.get().amount_minor == 4_000
    assert 'data-status="paid"' in biller.get(f"/office/invoices/{invoice.ref}/").content.decode()


def test_voiding_shows_payments_and_can_reissue(biller: Browser, ana: Client) -> None:
    invoice = cast.bill(ana, 28_000)
    cast.cash(ana, 14_000, invoice=invoice)
    place = f"/office/invoices/{invoice.ref}/void/"
    assert "$140.00 was already paid" in biller.get(place).content.decode()
    tab = Tab(biller, place)
    assert tab.press({"why": "other"}).status_code == 422
    answer = tab.press({"why": "other", "words": "Wrong client", "copy_to_draft": "on"}, follow=False)
    draft = Invoice.objects.drafts().get()
    assert answer["Location"] == f"/office/invoices/{draft.ref}/draft/"
    invoice.refresh_from_db()
    assert invoice.void_reason == "Wrong client"


def test_credit_is_given_and_voided(biller: Browser, ana: Client) -> None:
    Tab(biller, f"/office/clients/{ana.ref}/billing/credit/").press({"amount": "20", "reason": "Goodwill"})
    credit = Credit.objects.get()
    assert 'data-amount="-2000"' in biller.get(f"/office/clients/{ana.ref}/billing/").content.decode()
    Tab(biller, f"/office/clients/{ana.ref}/billing/", to=f"/office/credits/{credit.ref}/taking-back/").press()
    assert 'data-amount="0"' in biller.get(f"/office/clients/{ana.ref}/billing/").content.decode()


@pytest.mark.parametrize(
    ("show", "found"),
    [
        ("", 5),
        ("draft", 0),
        ("unshared", 1),
        ("unpaid", 2),
        ("past_due", 1),
        ("paid", 1),
        ("void", 1),
        ("nonsense", 5),
    ],
)
def test_the_list_is_filtered(office: Browser, ana: Client, show: str, found: int) -> None:
    today = clock.today("America/New_York")
    cast.bill(ana)
    cast.bill(ana, shared=False)
    cast.bill(ana, due_on=today - timedelta(days=1))
    cast.cash(ana, 14_000, invoice=cast.bill(ana))
    invoicing.void(cast.bill(ana), reason="Created by mistake", shown=None, by=cast.DESK)
    page = office.get("/office/invoices/", {"show": show}).content.decode()
    assert page.count('data-testid="invoice-row"') == found


def test_invoices_are_found_by_number_and_client(office: Browser, ana: Client) -> None:
    cast.bill(ana)
    cast.bill(cast.client(ana.practice, "Carol", "Cole", phone="+12125550177"))
    for query in ("2", "#2", "invoice 2", "INV-2", "No. 2", "２", "carol", "Col", "0177", "555-0177"):
        page = office.get("/office/invoices/", {"q": query}).content.decode()
        assert page.count('data-testid="invoice-row"') == 1
        assert "Carol Cole" in page


@pytest.mark.parametrize("query", ["1", "0177", "9999", "invoice 9999"])
def test_a_search_by_digits_is_one_query(ana: Client, query: str) -> None:
    """Also when no invoice has the number and clients' phone numbers are searched."""
    cast.bill(ana)
    cast.bill(cast.client(ana.practice, "Carol", "Cole", phone="+12125550177"))
    with CaptureQueriesContext(connection) as queries:
        invoice_list.page(ana.practice, InvoiceQuery(query=query))
    assert len(queries) == 1


def test_an_invoice_number_is_preferred_to_a_phone_number(ana: Client) -> None:
    bill = cast.bill(ana)
    cast.bill(cast.client(ana.practice, "Carol", "Cole", phone="+12125550177"))
    assert [row.client for row in invoice_list.page(ana.practice, InvoiceQuery(query=str(bill.number))).rows] == [ana]


def test_the_list_uses_keyset_pagination(office: Browser, ana: Client) -> None:
    for _number in range(27):
        cast.bill(ana, shared=False)
    first = office.get("/office/invoices/").content.decode()
    last = Invoice.objects.order_by("-id")[24]
    assert first.count('data-testid="invoice-row"') == 25
    assert f"?before={last.ref}" in first
    second = office.get("/office/invoices/", {"before": last.ref}).content.decode()
    assert second.count('data-testid="invoice-row"') == 2


def test_export_escapes_formulas_and_is_logged(biller: Browser, practice: Practice) -> None:
    cast.bill(cast.client(practice, "=HYPERLINK(1)", "Evil"))
    answer = biller.get("/office/invoices/file/")
    rows = list(csv.reader(StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert rows[1][1] == "'=HYPERLINK(1) Evil"
    assert rows[1][7] == "140.00"
    assert AuditEntry.objects.get(action=AuditAction.INVOICES_EXPORTED).details["number"] == 1


def test_sharing_all_shows_the_workers_progress(office: Browser, ana: Client) -> None:
    for _number in range(invoice_sharing.BATCH_SIZE + 3):
        cast.bill(ana, shared=False)
    answer = Tab(office, "/office/invoices/sharing/").press(follow=False)
    run = SharingRun.objects.get()
    assert answer["Location"] == f"/office/invoices/sharing/{run.ref}/"
    assert invoice_sharing.continue_next_run()
    assert "20 of 23" in office.get(answer["Location"]).content.decode()
    assert invoice_sharing.continue_next_run()
    assert not invoice_sharing.continue_next_run()
    assert "Done." in office.get(answer["Location"]).content.decode()
    assert Invoice.objects.shared().count() == 23


def test_a_run_of_a_paused_practice_waits(office: Browser, ana: Client) -> None:
    cast.bill(ana, shared=False)
    Tab(office, "/office/invoices/sharing/").press()
    suspension.suspend(ana.practice, by=cast.DESK)
    assert not invoice_sharing.continue_next_run()
    suspension.resume(ana.practice, by=cast.DESK)
    assert invoice_sharing.continue_next_run()
    assert Invoice.objects.shared().count() == 1


def test_a_run_whose_starter_has_left_shares_nothing_more(office: Browser, ana: Client) -> None:
    for _number in range(invoice_sharing.BATCH_SIZE + 1):
        cast.bill(ana, shared=False)
    Tab(office, "/office/invoices/sharing/").press()
    assert invoice_sharing.continue_next_run()
    StaffMember.objects.filter(pk=SharingRun.objects.get().requested_by_id).update(deactivated_at=clock.now())
    assert invoice_sharing.continue_next_run()
    assert not SharingRun.objects.exists()
    assert Invoice.objects.shared().count() == invoice_sharing.BATCH_SIZE


def test_a_sharing_run_counts_only_what_it_shared(
    office: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    void_before, void_at_once, shared_at_once, *others = [cast.bill(ana, shared=False) for _number in range(6)]
    Tab(office, "/office/invoices/sharing/").press()
    invoicing.void(void_before, reason="Wrong client", shown=None, by=cast.DESK)
    share = invoice_sharing.share

    def share_while_others_work(invoice: Invoice, **kwargs: Any) -> SharingOutcome:  # Any: passed on.
        if invoice == void_at_once:
            invoicing.void(void_at_once, reason="Wrong client", shown=None, by=cast.DESK)
        if invoice == shared_at_once:
            share(shared_at_once, shown=None, by=cast.DESK)
        return share(invoice, **kwargs)

    monkeypatch.setattr(invoice_sharing, "share", share_while_others_work)
    assert invoice_sharing.continue_next_run()
    run = SharingRun.objects.get()
    assert (run.is_over, run.total, run.shared, run.not_notified) == (True, 6, 3, 0)
    page = office.get(f"/office/invoices/sharing/{run.ref}/").text
    assert "3 of 6 invoices shared" in page
    assert "3 invoices had been shared or voided in the meantime." in page
    assert set(Invoice.objects.shared()) == {shared_at_once, *others}


def test_staff_see_whether_the_client_opened_a_bill(office: Browser, ana: Client) -> None:
    bill = cast.bill(ana)
    pages = [f"/office/clients/{ana.ref}/", f"/office/clients/{ana.ref}/billing/"]
    assert all("Shared, not viewed" in office.get(page).content.decode() for page in pages)
    cast.in_the_portal(Browser(), ana).get(f"/portal/alder-street/billing/{bill.ref}/")
    for page in pages:
        shown = office.get(page).content.decode()
        assert "Shared, not viewed" not in shown
        assert "Viewed Nov 23" in shown


def test_the_billing_tab_filters_by_amount_due(office: Browser, ana: Client) -> None:
    tab = f"/office/clients/{ana.ref}/billing/"
    assert 'class="chips"' not in office.get(tab).content.decode()
    owed, paid = cast.bill(ana), cast.bill(ana, 5_000)
    cast.cash(ana, 5_000, invoice=paid)

    def shown(query: str) -> list[bool]:
        page = office.get(tab + query).content.decode()
        return [f'data-ref="{invoice.ref}"' in page for invoice in (owed, paid)]

    assert shown("") == shown("?show=nonsense") == [True, True]
    assert shown("?show=to_pay") == [True, False]
    assert shown("?show=paid") == [False, True]
    assert "Unpaid <b>1</b>" in office.get(tab).content.decode()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\u22121", "＝1+1", "|calc"])
def test_export_escapes_every_formula_prefix(biller: Browser, practice: Practice, name: str) -> None:
    cast.bill(cast.client(practice, name, "Abreu"))
    file = biller.get("/office/invoices/file/").getvalue().decode("utf-8-sig")
    heads, row = csv.reader(StringIO(file))
    assert row[heads.index("Client")] == f"'{name} Abreu"
    assert not [cell for cell in row if cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n", "|", "＝"}]


def test_export_dates_are_in_the_practices_zone(practice: Practice, stopped_clock: Traveller) -> None:
    """9:57 PM in New York, already the next day in UTC."""
    stopped_clock.move_to(datetime(2026, 11, 24, 2, 57, tzinfo=UTC))
    cast.bill(cast.ana(practice))
    biller = cast.signed_in(Browser(), cast.ines(practice))
    heads, row = csv.reader(StringIO(biller.get("/office/invoices/file/").getvalue().decode("utf-8-sig")))
    assert row[heads.index("Shared")] == row[heads.index("Date")] == "2026-11-23"


def test_an_opening_balance_becomes_an_invoice(office: Browser, ana: Client) -> None:
    assert "Add an opening balance" in office.get(f"/office/clients/{ana.ref}/billing/").text
    form = typed(("Balance on January 1", "1", "85.00"), action="share")
    page = office.post(f"/office/clients/{ana.ref}/invoices/new/?opening", form, follow=True).text
    invoice = Invoice.objects.get()
    assert "Balance brought forward" in page
    assert (invoice.number, invoice.total_minor, balances.office_account(ana).office_minor) == (1, 8_500, 8_500)
    account_credits.give(ana, amount_minor=8_500, reason="Credit brought forward", shown=None, by=cast.DESK)
    assert balances.office_account(ana).office_minor == 0
