"""Actions on money from a page with outdated amounts are refused, and the page is shown again."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.test import Client as Browser

from portico.domain.billing.models import (
    Payment,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.web.office.money_actions import (
    ACTS,
    Open,
    charged,
    dispute,
    refunding_what_is_disputed,
    refunding_what_was_lost,
    voiding,
)
from tests.web.open_pages import Tab
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture
def owner(practice: Practice) -> Browser:
    return cast.signed_in_with_factor(Browser(), cast.elm(practice))


def books() -> dict[str, list[dict[str, object]]]:
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.app_label in {"billing"} or model.__name__ == "OutgoingEmail"
    }


@pytest.mark.parametrize("act", ACTS)
def test_outdated_page_changes_nothing(act: Callable[[Client], Open], ana: Client, owner: Browser) -> None:
    opened = act(ana)
    tab = Tab(owner, opened.page, to=opened.to)
    opened.meanwhile()
    before = books()
    answer = tab.press(opened.typed)
    assert opened.says in plain(answer.content)
    assert answer.status_code in {200, 409}
    assert books() == before


NOT_AT_STRIPE = [act for act in ACTS if act not in {refunding_what_is_disputed, refunding_what_was_lost}]


@pytest.mark.parametrize("act", NOT_AT_STRIPE)
def test_page_shown_again_succeeds(act: Callable[[Client], Open], ana: Client, owner: Browser) -> None:
    opened = act(ana)
    tab = Tab(owner, opened.page, to=opened.to)
    opened.meanwhile()
    again = tab.showing(tab.press(opened.typed))
    before = books()
    assert again.press(opened.typed, follow=False).status_code == 302
    assert books() != before


@pytest.mark.parametrize("act", ACTS)
def test_form_without_amounts_does_nothing(act: Callable[[Client], Open], ana: Client, owner: Browser) -> None:
    opened = act(ana)
    tab = Tab(owner, opened.page, to=opened.to)
    before = books()
    for shown in ("", "x" * 5_000, "total=", "paid=" + "9" * 200):
        answer = tab.press(opened.typed | {"shown": shown})
        assert "Nothing was changed." in plain(answer.content)
    assert books() == before


def test_invalid_form_also_says_that_amounts_changed(ana: Client, owner: Browser) -> None:
    opened = voiding(ana)
    tab = Tab(owner, opened.page)
    opened.meanwhile()
    answer = tab.press({"why": "other"})
    text = plain(answer.content)
    assert answer.status_code == 422
    assert opened.says in text
    assert "$140.00 was already paid" in text


def test_payment_for_a_paid_invoice_is_refused(ana: Client, owner: Browser) -> None:
    bill = cast.bill(ana)
    tab = Tab(owner, f"/office/invoices/{bill.ref}/payment/")
    cast.cash(ana, 14_000, invoice=bill)
    answer = tab.press({"kind": "cash", "note": "In an envelope"})
    assert "This invoice has been paid since you opened this page." in plain(answer.content)
    assert "In an envelope" in plain(answer.content)
    assert Payment.objects.count() == 1


def test_the_refund_page_names_an_open_dispute(ana: Client, owner: Browser) -> None:
    paid = charged(ana)
    page = f"/office/payments/{paid.ref}/refund/"
    assert "disputed this payment" not in plain(owner.get(page).content)
    dispute(paid)
    assert "The cardholder disputed this payment" in plain(owner.get(page).content)
