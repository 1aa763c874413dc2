"""A form submitted twice: the same input has the first result, other input is refused."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.test import Client as Browser

from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput
from portico.domain.billing.models import Invoice, ServiceItem
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.card_payments import Till, let_pay
from tests.web.office import form_data
from tests.web.open_pages import Tab
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

TOLD = "Your changes were not saved."


@dataclass(frozen=True)
class Form:
    """A page, its first and second input, and its message about the first."""

    page: str
    first: dict[str, str]
    then: dict[str, str]
    said: str


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture
def owner(practice: Practice) -> Browser:
    return cast.signed_in_with_factor(Browser(), cast.elm(practice))


def books() -> dict[str, list[dict[str, object]]]:
    """Returns all rows except views and sessions."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.app_label in {"billing", "clients"} or model.__name__ in {"OutgoingEmail", "Invitation"}
    }


def payment(ana: Client) -> Form:
    first = {"kind": "cash", "amount": "20"}
    page = f"/office/clients/{ana.ref}/billing/payment/"
    return Form(page, first, first | {"amount": "30"}, "a payment of $20.00")


def payment_applied_to_invoices(ana: Client) -> Form:
    """Pays two invoices in part or whole: neither the amounts left nor their order are as they were the first time."""
    partly, wholly = cast.bill(ana), cast.bill(ana, 6_000)
    first = {"kind": "cash", "amount": "100", f"invoice_{wholly.ref}": "60", f"invoice_{partly.ref}": "40"}
    then = {"kind": "cash", "amount": "20", f"invoice_{partly.ref}": "20"}
    return Form(f"/office/clients/{ana.ref}/billing/payment/", first, then, "a payment of $100.00")


def payment_of_an_invoice(ana: Client) -> Form:
    first = {"kind": "cash", "amount": "140"}
    then = {"kind": "check", "amount": "140", "check_number": "1182"}
    return Form(f"/office/invoices/{cast.bill(ana).ref}/payment/", first, then, "a payment of $140.00")


def credit(ana: Client) -> Form:
    first = {"amount": "20", "reason": "Goodwill"}
    page = f"/office/clients/{ana.ref}/billing/credit/"
    return Form(page, first, first | {"reason": "From before"}, "a credit of $20.00")


def refund(ana: Client) -> Form:
    first = {"amount": "140", "why": "Wrong price"}
    page = f"/office/payments/{cast.cash(ana, 28_000).ref}/refund/"
    return Form(page, first, first | {"amount": "50"}, "a refund of $140.00")


def draft(ana: Client) -> Form:
    first = {"lines-0-label": "Session", "lines-0-price": "140"}
    page = f"/office/clients/{ana.ref}/invoices/new/"
    return Form(page, first, first | {"lines-0-label": "Report"}, "a draft of $140.00")


def shared_draft(ana: Client) -> Form:
    sent = draft(ana)
    first, then = sent.first | {"action": "share"}, sent.then | {"action": "share"}
    return Form(sent.page, first, then, "invoice 1 of $140.00")


def new_client(ana: Client) -> Form:
    typed = form_data.new_client(first_name="Carol", last_name="Cole")
    first = {name: value for name, value in typed.items() if name != "form_key"}
    return Form("/office/clients/new/", first, first | {"first_name": "Carla"}, "a new client, Carol Cole")


def invitation(ana: Client) -> Form:
    first = {"action": "send", "enabled": "on"}
    page = f"/office/clients/{ana.ref}/edit/portal/"
    return Form(page, first, first | {"subject": "Another subject"}, "an invitation to ana@mail.example")


FORMS = pytest.mark.parametrize(
    "form",
    [
        *(payment, payment_applied_to_invoices, payment_of_an_invoice, credit, refund),
        *(draft, shared_draft, new_client, invitation),
    ],
)


def test_a_service_sent_twice_is_added_once(owner: Browser) -> None:
    tab = Tab(owner, "/office/settings/services/")
    typed = {"code": "S50", "label": "Session", "price": "140"}
    for _time in range(2):
        assert "Session was saved." in plain(tab.press(typed).content)
    assert ServiceItem.objects.count() == 1
    other = tab.press(typed | {"price": "150"})
    assert "Another service has this code. Enter a different one." in plain(other.content)


@FORMS
def test_second_submission_with_other_input_is_refused(
    form: Callable[[Client], Form], ana: Client, owner: Browser
) -> None:
    sent = form(ana)
    tab = Tab(owner, sent.page)
    assert tab.press(sent.first, follow=False).status_code == 302
    before = books()
    answer = tab.press(sent.then)
    assert answer.status_code == 409
    assert f"You have already submitted this form: {sent.said}. {TOLD}" in plain(answer.content)
    assert books() == before


@FORMS
def test_same_input_again_shows_the_first_result(form: Callable[[Client], Form], ana: Client, owner: Browser) -> None:
    sent = form(ana)
    tab = Tab(owner, sent.page)
    first = tab.press(sent.first, follow=False)
    before = books()
    again = tab.press(sent.first, follow=False)
    assert (again.status_code, again["Location"]) == (302, first["Location"])
    assert books() == before


@FORMS
def test_submitting_the_refused_page_again_succeeds(
    form: Callable[[Client], Form], ana: Client, owner: Browser
) -> None:
    sent = form(ana)
    if form is payment_of_an_invoice:
        cast.bill(ana)
        sent = payment(ana)
    tab = Tab(owner, sent.page)
    tab.press(sent.first)
    told = tab.showing(tab.press(sent.then))
    before = books()
    assert told.press(sent.then, follow=False).status_code == 302
    assert books() != before


def test_a_key_of_anas_form_records_nothing_for_carol(ana: Client, owner: Browser) -> None:
    carol = cast.carol(ana.practice)
    tab = Tab(owner, f"/office/clients/{ana.ref}/billing/credit/")
    typed = {"amount": "20", "reason": "Goodwill"}
    tab.press(typed)
    hers = f"/office/clients/{carol.ref}/billing/credit/"
    answer = owner.post(hers, tab.form.fields | typed)
    assert (answer.status_code, carol.credits.count()) == (409, 0)
    assert TOLD in plain(answer.content)


def test_edited_draft_is_not_shared_by_its_old_page(ana: Client, owner: Browser) -> None:
    sent = draft(ana)
    tab = Tab(owner, sent.page)
    tab.press(sent.first)
    made = Invoice.objects.get()
    invoicing.edit_draft(made, InvoiceInput(clock.today("UTC")), version=1, by=cast.DESK)
    answer = tab.press(sent.first | {"action": "share"})
    assert answer.status_code == 409
    assert Invoice.objects.get().is_draft


def test_a_form_sent_again_does_not_share_what_was_unshared(ana: Client, owner: Browser) -> None:
    sent = shared_draft(ana)
    tab = Tab(owner, sent.page)
    tab.press(sent.first | {"tell": "on"})
    invoice = invoice_sharing.unshare(Invoice.objects.get(), shown=None, by=cast.DESK)
    before = books()
    answer = tab.press(sent.first | {"tell": "on"}, follow=False)
    assert answer["Location"] == f"/office/invoices/{invoice.ref}/"
    assert books() == before


def test_second_card_refund_sends_no_money(till: Till, owner: Browser) -> None:
    ana = let_pay(cast.ana(till.practice))
    paid = cast.charged(till.start(ana, cast.bill(ana)))
    tab = Tab(owner, f"/office/payments/{paid.ref}/refund/")
    typed = {"amount": "140", "why": "Wrong price"}
    tab.press(typed)
    before = books()
    answer = tab.press(typed | {"amount": "50"})
    assert TOLD in plain(answer.content)
    assert books() == before
