"""A payment form pays only the amount and the invoices that its page showed."""

import pytest
from django.test import Client as Browser

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import AttemptState, PaymentAttempt
from portico.domain.clients.models import Client
from tests import cast
from tests.support.card_payments import Till, signed_in_to_pay
from tests.web.tabs import Answer, Tab

pytestmark = pytest.mark.django_db

BALANCE = "/portal/alder-street/billing/payment/"


@pytest.fixture
def tab(till: Till, client: Browser) -> Tab:
    """Opens the page for Ana's full balance of 150.00."""
    ana = cast.ana(till.practice)
    cast.bill(ana, 15_000)
    return Tab(signed_in_to_pay(client, ana), BALANCE)


def expect_refused(answer: Answer, shows: str) -> None:
    assert answer.status == 409
    assert "The amount has changed since you opened this page." in answer.text
    assert f'<span class="amount">{shows}</span>' in answer.text


def test_a_page_that_shows_150_does_not_pay_300(tab: Tab) -> None:
    cast.bill(Client.objects.get(), 15_000)
    expect_refused(tab.press(pay="new"), "$300.00")
    assert not PaymentAttempt.objects.exists()


def test_page_showing_150_does_not_lead_to_an_open_300(tab: Tab) -> None:
    cast.bill(Client.objects.get(), 15_000)
    other = Tab(tab.browser, BALANCE)
    begun = tab.browser.post(BALANCE, other.form().filled() | {"pay": "new"})
    assert begun["Location"] == PaymentAttempt.objects.get().checkout_url
    expect_refused(tab.press(pay="new"), "$300.00")
    assert PaymentAttempt.objects.get().state == AttemptState.OPEN


def test_a_page_does_not_pay_another_invoice_of_the_same_amount(tab: Tab) -> None:
    person = Client.objects.get()
    invoicing.void(person.invoices.get(), reason="Wrong", shown=None, by=cast.DESK)
    cast.bill(person, 15_000)
    expect_refused(tab.press(pay="new"), "$150.00")
    assert not PaymentAttempt.objects.exists()


@pytest.mark.parametrize("left_out", ["amount", "shown"])
def test_form_without_shown_amount_pays_nothing(tab: Tab, left_out: str) -> None:
    fields = {name: value for name, value in tab.form().filled().items() if name != left_out}
    assert tab.browser.post(BALANCE, fields | {"pay": "new"}).status_code == 409
    assert not PaymentAttempt.objects.exists()


def test_grown_balance_does_not_lead_to_earlier_payment(tab: Tab, till: Till) -> None:
    person = Client.objects.get()
    paid = till.start(person, cast.bill(person, 1_000))
    till.type_card(paid)
    tab.browser.get(f"/portal/alder-street/payments/{paid.ref}/")
    tab.open(BALANCE)
    cast.bill(person, 15_000)
    expect_refused(tab.press(pay="new"), "$300.00")
