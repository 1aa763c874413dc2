"""The pages `Record a payment`, `Void this payment?` and `Refund`."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.billing import bill_mails
from portico.domain.billing.models import Invoice, Payment
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.web.open_pages import Tab

pytestmark = pytest.mark.django_db
# Session with staff member, client with balance, open invoices, access, and the counts of the menu.
QUERIES = 5


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def page_of(ana: Client) -> str:
    return f"/office/clients/{ana.ref}/billing/payment/"


def test_the_balance_and_open_invoices_are_shown_and_the_amount_is_filled_in(office: Browser, ana: Client) -> None:
    cast.bill(ana)
    cast.bill(ana, 7_000)
    page = office.get(page_of(ana)).text
    assert "Balance $210.00" in page
    assert page.count('data-testid="open-invoice"') == 2
    assert 'value="210.00"' in page
    assert "checked" not in page


def test_the_page_says_which_invoice_gets_how_much(office: Browser, ana: Client) -> None:
    old, new = cast.bill(ana), cast.bill(ana)
    typed = {"kind": "hsa_fsa_card", "amount": "100", f"invoice_{new.ref}": "60"}
    page = Tab(office, page_of(ana)).press(typed).text
    assert [Invoice.objects.get(pk=bill.pk).paid_minor for bill in (old, new)] == [4_000, 6_000]
    assert "$100.00 was recorded. You can undo it for 15 minutes." in page


@pytest.mark.parametrize(
    ("amount", "part", "complaint"),
    [
        ("150", "140.01", "Enter an amount up to $140.00."),
        ("100", "-1", "Enter an amount of zero or more."),
        ("100", "101", "You applied more to invoices"),
        ("100", "x", ""),
    ],
)
def test_impossible_parts_are_shown_again(office: Browser, ana: Client, amount: str, part: str, complaint: str) -> None:
    bill = cast.bill(ana)
    typed = {"kind": "cash", "amount": amount, f"invoice_{bill.ref}": part}
    answer = Tab(office, page_of(ana)).press(typed)
    assert answer.status_code == 422
    assert complaint in answer.text
    assert not Payment.objects.exists()


def test_invoices_that_changed_meanwhile_are_not_paid(office: Browser, ana: Client) -> None:
    bill = cast.bill(ana)
    tab = Tab(office, page_of(ana))
    cast.cash(ana, 14_000, invoice=bill)
    cast.bill(ana)
    answer = tab.press({"kind": "cash", "amount": "100"})
    assert answer.status_code == 409
    assert "The amounts on this page have changed since you opened it." in answer.text


def test_a_receipt_is_emailed_on_request(office: Browser, ana: Client) -> None:
    cast.bill(ana)
    page = Tab(office, page_of(ana)).press({"kind": "cash", "email_receipt": "on"}).text
    assert "The receipt is on its way by email." in page
    assert OutgoingEmail.objects.get(kind=bill_mails.RECEIPT).to_address == "ana@mail.example"


def test_without_an_address_no_receipt_is_offered(office: Browser, practice: Practice) -> None:
    carol = cast.client(practice, "Carol", address="carol@mail.example", email_ok=False)
    assert "Email receipt" not in office.get(page_of(carol)).text


def test_the_front_desk_undoes_its_own_payment(office: Browser, ana: Client, stopped_clock: Traveller) -> None:
    bill = cast.bill(ana)
    page = Tab(office, f"/office/invoices/{bill.ref}/payment/").press({"kind": "cash"}).text
    payment = Payment.objects.get()
    undo = f"/office/payments/{payment.ref}/taking-back/"
    assert undo in page
    tab = Tab(office, undo)
    for _eight_minutes in range(2):
        # The session must not time out meanwhile.
        stopped_clock.shift(timedelta(minutes=8))
        page = office.get(f"/office/invoices/{bill.ref}/").text
    assert "Record a payment" not in page
    assert "Receipt" in page
    assert undo not in page
    late = tab.press({"why": "Recorded by mistake"})
    assert late.status_code == 403
    assert "Ask an owner or biller to void it." in late.text
    assert not Payment.objects.get().is_taken_back


def test_undoing_takes_two_presses(office: Browser, ana: Client) -> None:
    bill = cast.bill(ana)
    Tab(office, f"/office/invoices/{bill.ref}/payment/").press({"kind": "cash"})
    tab = Tab(office, f"/office/payments/{Payment.objects.get().ref}/taking-back/")
    assert "The payment was voided." in tab.press().text
    assert Payment.objects.get().taken_back_reason == "Recorded by mistake"


def test_a_refund_needs_a_reason_and_names_its_amount(practice: Practice, ana: Client) -> None:
    biller = cast.signed_in(Browser(), cast.ines(practice))
    payment = cast.cash(ana, 21_000)
    tab = Tab(biller, f"/office/payments/{payment.ref}/refund/")
    assert "checked" not in biller.get(f"/office/payments/{payment.ref}/refund/").text
    answer = tab.press({"why": ""})
    assert answer.status_code == 422
    assert "Choose a reason." in answer.text
    assert "$210.00" in answer.text


@pytest.mark.parametrize("number", [0, 3])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _bill in range(number):
        cast.bill(ana)
    with django_assert_num_queries(QUERIES):
        office.get(page_of(ana))
