"""Dates, amounts, numbers and codes are parsed as phone keyboards send them, on every form."""

from datetime import date, timedelta

import pytest
from django import forms
from django.test import Client as Browser

from portico.domain.billing.models import Invoice, Payment
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.text.input_validation import AddressWidget
from portico.web.date_fields import CalendarInput, DayField
from portico.web.office.base_form import WholeNumberField
from portico.web.office.billing.payment_forms import MoneyField
from portico.web.route_list import all_routes
from tests import cast
from tests.web.office.form_data import client_info, new_client, said
from tests.web.open_pages import Tab
from tests.web.safety.test_no_card_number import every_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def our_fields() -> list[tuple[str, forms.Field]]:
    all_routes()
    return [
        (f"{form.__name__}.{name}", field)
        for form in every_form()
        if form.__module__.startswith("portico.")
        for name, field in vars(form).get("base_fields", {}).items()
        if not isinstance(field.widget, forms.HiddenInput)
    ]


def test_every_date_uses_the_same_field() -> None:
    typed = {name: field for name, field in our_fields() if isinstance(field, forms.DateField)}

    assert len(typed) == 12
    assert [name for name, field in typed.items() if not isinstance(field, DayField)] == []


def test_every_number_uses_the_same_field() -> None:
    unread = {
        name
        for name, field in our_fields()
        if isinstance(field, forms.IntegerField | forms.TimeField | forms.DateTimeField | forms.DurationField)
        and not isinstance(field, WholeNumberField)
    }

    # Written by the page itself, never typed.
    assert unread == {"PayForm.amount"}


def test_every_address_uses_the_same_input() -> None:
    """It reads no one address of several posted ones."""
    named = {name: field for name, field in our_fields() if name.endswith((".email", ".address", ".reply_to"))}

    # A PIN is entered with an address, a phone number or a client number: its form refuses a second one itself.
    # On the tab `Client Portal`, an address of the client is chosen.
    others = {"PinForm.email", "ClientPortalForm.address"}
    assert {name for name, field in named.items() if not isinstance(field.widget, AddressWidget)} == others


def test_inputmodes_allow_all_accepted_characters() -> None:
    for name, field in our_fields():
        keyboard = field.widget.attrs.get("inputmode")
        if isinstance(field, DayField):
            assert keyboard is None, name
        elif isinstance(field, MoneyField):
            assert keyboard == (None if name == "LineForm.price" else "decimal"), name
        elif isinstance(field, WholeNumberField):
            assert keyboard == "numeric", name


@pytest.mark.parametrize("typed", ["04071988", "4/7/88", "4-7-1988", "Apr 7 1988", "1988-04-07", "٤/٧/١٩٨٨"])
def test_a_birth_date_typed_on_a_phone_is_parsed(office: Browser, typed: str) -> None:
    office.post("/office/clients/new/", new_client(date_of_birth=typed))

    assert Client.objects.get().date_of_birth == date(1988, 4, 7)


def test_a_practice_abroad_uses_day_first(office: Browser, practice: Practice, ana: Client) -> None:
    Practice.objects.update(country="GB")

    office.post(f"/office/clients/{ana.ref}/edit/info/", client_info(ana, date_of_birth="7/4/88"))

    ana.refresh_from_db()
    assert ana.date_of_birth == date(1988, 4, 7)
    page = said(office, f"/office/clients/{ana.ref}/edit/info/")
    assert 'value="07/04/1988"' in page
    assert 'placeholder="DD/MM/YYYY"' in page


def draft(**typed: str) -> dict[str, str]:
    rows = {"lines-TOTAL_FORMS": "2", "lines-INITIAL_FORMS": "0", "lines-0-label": "Session"}
    rows |= {"lines-0-quantity": "1", "lines-0-price": "140", "lines-1-label": "Session", "lines-1-price": "140"}
    return rows | {"dated_on": f"{clock.today('America/New_York'):%m/%d/%Y}", "due": "14"} | typed


def test_an_invoice_has_the_typed_dates(office: Browser, ana: Client) -> None:
    today = clock.today("America/New_York")
    due = today + timedelta(days=20)
    days = {"dated_on": f"{today.month}/{today.day}/{today:%y}", "due": "on", "due_on": f"{due:%m%d%Y}"}
    line = {"lines-0-given_on": f"{today:%b} {today.day} {today.year}", "lines-0-quantity": "２"}

    office.post(f"/office/clients/{ana.ref}/invoices/new/", draft(**days, **line))

    invoice = Invoice.objects.get()
    assert (invoice.dated_on, invoice.due_on, invoice.total_minor) == (today, due, 42_000)
    assert invoice.lines.get(position=1).given_on == today


@pytest.mark.parametrize(
    ("typed", "minor"), [("$1,250.00", 125_000), ("1 250,00", 125_000), (".5", 50), ("１２", 1_200), ("20-", -2_000)]
)
def test_a_price_typed_on_a_phone_is_parsed(office: Browser, ana: Client, typed: str, minor: int) -> None:
    office.post(f"/office/clients/{ana.ref}/invoices/new/", draft(**{"lines-0-price": typed}))

    assert Invoice.objects.get().lines.get(position=1).unit_minor == minor


def test_a_payment_has_the_typed_date(office: Browser, ana: Client) -> None:
    yesterday = clock.today("America/New_York") - timedelta(days=1)
    form = {"kind": "cash", "amount": "1.250,00", "received_on": f"{yesterday:%m%d%Y}", "form_key": "k" * 43}

    Tab(office, f"/office/clients/{ana.ref}/billing/payment/").press(form)

    payment = Payment.objects.get()
    assert (payment.amount_minor, payment.received_on) == (125_000, yesterday)


def test_a_statement_accepts_typed_dates(office: Browser, ana: Client) -> None:
    page = said(office, f"/office/clients/{ana.ref}/billing/statement/?begins_on=4/7/25&ends_on=Apr 9 2025")

    assert "Apr 7, 2025 to Apr 9, 2025" in page
    assert CalendarInput().format_value(date(2025, 4, 7)) == "2025-04-07"


@pytest.mark.parametrize("change", ["full width", "Arabic", "periods", "apart"])
def test_codes_in_other_digits_are_accepted(client: Browser, practice: Practice, change: str) -> None:
    fay: StaffMember = cast.fay(practice)
    secret = cast.with_authenticator(fay)
    client.post("/office/sign-in/", {"email": fay.email, "password": cast.PASSWORD})
    code = cast.code_now(secret)
    typed = {
        "full width": code.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
        "Arabic": code.translate({48 + digit: 0x660 + digit for digit in range(10)}),
        "periods": f"{code[:3]}.{code[3:]}",
        "apart": " ".join(code),
    }[change]

    answer = client.post("/office/sign-in/second-step/", {"otp": typed})

    assert answer.status_code == 302
