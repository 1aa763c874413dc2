"""New invoices for several clients, repeating the last one, and the list to confirm before all are shared."""

import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.billing import bill_mails
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Invoice, SharingRun
from portico.domain.billing.refusals import TotalNotPositive
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support import payment_outcomes
from tests.web.office.billing.test_invoices_and_payments import typed
from tests.web.open_pages import Tab

pytestmark = pytest.mark.django_db
CHOICE = "/office/invoices/new/"
SHARING = "/office/invoices/sharing/"
# Session, staff member and menu in two; then the chosen clients, the others, and their number.
CHOICE_QUERIES = 5
# The same two; then the clients, and the services.
FORM_QUERIES = 4
# The same two; then the number of invoices, the invoices, and the accesses of contacts.
SHARING_QUERIES = 5


@pytest.fixture
def people(practice: Practice) -> list[Client]:
    ana, bea, carol = cast.ana(practice), cast.bea(practice), cast.carol(practice)
    cast.with_access(ana)
    cast.with_access(bea)
    return [ana, bea, carol]


def form_for(people: list[Client]) -> str:
    return f"{CHOICE}items/?{urlencode([('client', client.ref) for client in people])}"


def test_ticked_clients_stay_in_the_list(office: Browser, people: list[Client]) -> None:
    ana = people[0]
    page = office.get(CHOICE, {"client": ana.ref, "q": "carol"}).text
    assert f'value="{ana.ref}" checked' in page
    assert f'value="{people[2].ref}"' in page
    assert f'value="{people[1].ref}"' not in page


def test_the_form_needs_clients_of_the_practice(office: Browser, practice: Practice, people: list[Client]) -> None:
    dora = cast.dora(cast.birch())
    assert "Choose at least one client." in office.get(f"{CHOICE}items/", follow=True).text
    assert office.get(form_for([*people, dora])).status_code == 404
    assert office.get(form_for(people[:1]))["Location"] == f"/office/clients/{people[0].ref}/invoices/new/"
    many = [cast.client(practice, f"Nia {number}") for number in range(51)]
    assert "Choose at most 50 clients at a time." in office.get(form_for(many), follow=True).text


def test_each_client_gets_a_draft_once(office: Browser, people: list[Client]) -> None:
    form = typed(("Workshop", "1", "60"), form_key=tokens.new_token())
    for _time in range(2):
        assert office.post(form_for(people), form)["Location"] == "/office/invoices/?show=draft"
    drafts = Invoice.objects.drafts()
    assert {draft.client for draft in drafts} == set(people)
    assert [draft.total_minor for draft in drafts] == [6_000] * 3


def test_they_are_shared_and_emailed_at_once(office: Browser, people: list[Client]) -> None:
    page = office.get(form_for(people)).text
    assert "Client Portal Access is off." in page
    form = typed(("Workshop", "1", "60"), action="share", tell="on")
    answer = office.post(form_for(people), form, follow=True)
    assert "3 invoices are shared. 2 clients get an email." in answer.text
    assert all(invoice.is_shared for invoice in Invoice.objects.all())
    assert OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).count() == 2


def test_a_form_sent_again_does_not_share_what_was_unshared(office: Browser, people: list[Client]) -> None:
    form = typed(("Workshop", "1", "60"), action="share", tell="on", form_key=tokens.new_token())
    office.post(form_for(people), form)
    unshared = invoice_sharing.unshare(people[0].invoices.get(), shown=None, by=cast.DESK)
    assert office.post(form_for(people), form)["Location"] == "/office/invoices/"
    unshared.refresh_from_db()
    assert not unshared.is_shared
    assert OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).count() == 2


class EditedMeanwhile:
    """A colleague who edits Bea's draft while the first invoice is being shared."""

    edited = False

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:  # Any: Django's own.
        if not self.edited and sql.startswith("UPDATE") and '"shared_at" = ' in sql:
            self.edited = True
            draft = Invoice.objects.get(client__first_name="Bea")
            invoicing.edit_draft(draft, InvoiceInput(date(2026, 11, 30)), version=1, by=cast.DESK)
        return execute(sql, *rest)


def test_one_that_is_refused_is_named_and_the_others_are_shared(office: Browser, people: list[Client]) -> None:
    form = typed(("Workshop", "1", "60"), action="share", tell="on", form_key=tokens.new_token())
    with connection.execute_wrapper(EditedMeanwhile()):
        answer = office.post(form_for(people), form, follow=True)
    assert "2 invoices are shared. 1 client gets an email." in answer.text
    assert "The invoice for Bea Berg was saved as a draft, but not shared. This draft has changed" in answer.text
    assert [invoice.is_shared for invoice in Invoice.objects.order_by("client__first_name")] == [True, False, True]


def test_invalid_lines_make_no_draft(office: Browser, people: list[Client]) -> None:
    for line, action in ((("Workshop", "1", "x"), "save"), (("Workshop", "1", "0"), "share")):
        assert office.post(form_for(people), typed(line, action=action)).status_code == 422
    assert office.post(form_for(people), typed(("Workshop", "1", "60"), add="line")).status_code == 200
    assert not Invoice.objects.exists()


def test_a_draft_that_is_refused_leaves_none(people: list[Client]) -> None:
    entry = InvoiceInput(date(2026, 11, 30), None, (LineInput("Workshop", -100),))
    with pytest.raises(TotalNotPositive):
        invoicing.create_drafts(people, entry, by=cast.DESK)
    assert not Invoice.objects.exists()


def test_the_last_invoice_is_repeated_today(office: Browser, people: list[Client]) -> None:
    ana = people[0]
    today = clock.today(ana.practice.time_zone)
    then = today - timedelta(days=7)
    lines = (LineInput("Session", 14_000, 2, then), LineInput("Discount", -2_000))
    draft = invoicing.create_draft(ana, InvoiceInput(then, then + timedelta(days=30), lines, "Thank you"), by=cast.DESK)
    invoicing.issue(draft, shown=None, by=cast.DESK)
    assert f"/office/clients/{ana.ref}/invoices/new/?repeat" in office.get(f"/office/clients/{ana.ref}/billing/").text
    page = office.get(f"/office/clients/{ana.ref}/invoices/new/?repeat")
    assert page.text.count(f'value="{today:%m/%d/%Y}"') == 2
    assert f"{then:%m/%d/%Y}" not in page.text
    assert "<b data-total>$260.00</b>" in page.text
    assert '<option value="30" selected' in page.text
    assert Invoice.objects.count() == 1


def test_without_an_invoice_there_is_nothing_to_repeat(office: Browser, people: list[Client]) -> None:
    page = office.get(f"/office/clients/{people[0].ref}/invoices/new/?repeat")
    assert "<b data-total>$0.00</b>" in page.text


def test_sharing_all_says_who_gets_an_email(office: Browser, people: list[Client]) -> None:
    for client in people:
        cast.bill(client, shared=False)
    page = office.get(SHARING).text
    emailed, _heading, silent = page.partition("Shared without an email")
    assert "ana@mail.example" in emailed
    assert "Client Portal Access is off." in silent
    assert people[2].name in silent
    assert not SharingRun.objects.exists()


def test_sharing_warns_of_clients_who_cannot_pay_by_card(office: Browser, people: list[Client]) -> None:
    bill = cast.bill(people[0], shared=False)
    warning = "Pay a balance with credit card using Stripe is not checked for Ana."
    places = (SHARING, f"/office/invoices/{bill.ref}/", f"/office/clients/{people[0].ref}/invoices/new/")
    assert not any(warning in office.get(place).text for place in places)
    payment_outcomes.ready_to_pay(people[1])
    assert payment_readiness.current_key(people[0].practice)
    assert all(warning in office.get(place).text for place in places)


@pytest.mark.parametrize("amount_minor", [14_000, 9_000])
def test_another_list_of_equal_length_is_not_shared(office: Browser, people: list[Client], amount_minor: int) -> None:
    shown, stays = cast.bill(people[0], 14_000, shared=False), cast.bill(people[1], shared=False)
    tab = Tab(office, SHARING)
    invoice_sharing.share(shown, shown=None, by=cast.DESK)
    unseen = cast.bill(people[2], amount_minor, shared=False)
    answer = tab.press()
    assert "The list has changed since you opened this page. Nothing was changed." in answer.text
    assert not SharingRun.objects.exists()
    assert {row.ref for row in (stays, unseen)} == set(re.findall(r'planned-row" data-ref="(\w+)"', answer.text))
    assert tab.showing(answer).press(follow=False)["Location"].startswith(f"{SHARING}{SharingRun.objects.get().ref}")


def test_an_older_draft_issued_meanwhile_is_not_shared(office: Browser, people: list[Client]) -> None:
    entry = InvoiceInput(date(2026, 11, 30), None, (LineInput("Workshop", 6_000),))
    draft, bill = invoicing.create_draft(people[0], entry, by=cast.DESK), cast.bill(people[1], shared=False)
    Tab(office, SHARING).press()
    invoicing.issue(draft, shown=None, by=cast.DESK)
    while invoice_sharing.continue_next_run():
        pass
    assert list(Invoice.objects.shared()) == [bill]
    run = SharingRun.objects.get()
    assert (run.is_over, run.shared, run.total) == (True, 1, 1)


def test_nothing_to_share_leads_back_to_the_list(office: Browser, people: list[Client]) -> None:
    cast.bill(people[0])
    assert "All issued invoices are already shared." in office.get(SHARING, follow=True).text


@pytest.mark.parametrize("number", [2, 3])
def test_the_number_of_queries_is_fixed(
    office: Browser, people: list[Client], django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    chosen = people[:number]
    for client in chosen:
        cast.bill(client, shared=False)
    for place, queries in (
        (f"{CHOICE}?client={chosen[0].ref}", CHOICE_QUERIES),
        (form_for(chosen), FORM_QUERIES),
        (SHARING, SHARING_QUERIES),
    ):
        office.get(place)
        with django_assert_num_queries(queries):
            assert office.get(place).status_code == 200


def test_the_list_names_the_contacts_who_are_emailed(office: Browser, practice: Practice) -> None:
    # Carol has no access of her own; her payer gets the email.
    carol = cast.carol(practice)
    payer = cast.guardian(carol, address="payer@mail.example", kind=RelationshipKind.PAYER)
    cast.with_contact_access(payer)
    invoice = cast.bill(carol, shared=False)
    page = office.get(SHARING).text
    assert "Shared, with an email" in page
    assert "Shared without an email" not in page
    assert 'payer@mail.example <span class="quiet">Bruno Berg (payer)</span>' in page
    draft = office.get(f"/office/clients/{carol.ref}/invoices/new/").text
    assert re.search(r'id="tell"[^>]* checked><label\s+for="tell">Email Bruno</label>', draft)
    assert invoice_sharing.share(invoice, shown=None, by=cast.DESK).email is not None
    assert OutgoingEmail.objects.get().to_address == "payer@mail.example"
