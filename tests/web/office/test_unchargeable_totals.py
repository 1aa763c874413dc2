"""Staff are warned while drafting an invoice if its total cannot be charged to a card."""

import pytest
from django.test import Client as Browser

from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.card_payments import Till, let_pay
from tests.web.office.billing.test_invoices_and_payments import typed
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

STEPS = "Stripe only charges multiples of KWD 0.010 in KWD, so KWD 12.345 can’t be paid by card."


@pytest.fixture
def ana(till: Till) -> Client:
    till.bill_in("KWD")
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def fay(till: Till) -> Browser:
    return cast.signed_in(Browser(), cast.fay(till.practice))


def test_unchargeable_total_is_shown_on_draft_and_invoice(fay: Browser, ana: Client) -> None:
    new = f"/office/clients/{ana.ref}/invoices/new/"
    added = fay.post(new, typed(("Session", "1", "12.345"), add="line"))
    assert STEPS in plain(added.content)
    saved = fay.post(new, typed(("Session", "1", "12.345")), follow=True)
    assert STEPS in plain(saved.content)
    shared = fay.post(new, typed(("Session", "1", "12.345"), action="share"), follow=True)
    assert STEPS in plain(shared.content)


def test_chargeable_total_shows_no_warning(fay: Browser, ana: Client) -> None:
    answer = fay.post(f"/office/clients/{ana.ref}/invoices/new/", typed(("Session", "2", "12.345")), follow=True)
    assert "24.690" in answer.text
    assert "in steps of" not in answer.text


@pytest.mark.parametrize(("price", "words"), [("0.20", "is below"), ("1000000.00", "is above")])
def test_total_beyond_stripes_limits_shows_a_warning(till: Till, fay: Browser, price: str, words: str) -> None:
    person = cast.ana(till.practice)
    answer = fay.post(f"/office/clients/{person.ref}/invoices/new/", typed(("Session", "1", price)), follow=True)
    assert words in answer.text


def test_no_warning_without_card_payments(office: Browser, practice: Practice) -> None:
    person = cast.ana(practice)
    answer = office.post(f"/office/clients/{person.ref}/invoices/new/", typed(("Session", "1", "0.20")), follow=True)
    assert "is below" not in answer.text
