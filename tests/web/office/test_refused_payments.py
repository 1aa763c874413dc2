"""Staff see what Stripe refused, with its error code and request id."""

import pytest
from django.test import Client as Browser

from portico.domain.billing.card_payments.payment_refusals import RefundRefused, StripeRefused
from portico.domain.billing.models import Invoice, PaymentAttempt
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.clients.models import Client
from tests import cast
from tests.domain.billing.desk_sessions import paid
from tests.support.card_payments import Till, let_pay
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PAYMENTS = "/office/payments/"


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana)


@pytest.fixture
def fay(till: Till) -> Browser:
    return cast.signed_in(Browser(), cast.fay(till.practice))


def refused(till: Till, bill: Invoice) -> PaymentAttempt:
    till.stripe.fault("refuse", "/v1/checkout/sessions", method="POST", code="url_invalid", param="success_url")
    with pytest.raises(StripeRefused):
        till.start(bill.client, bill)
    return PaymentAttempt.objects.latest("id")


def test_page_and_menu_show_a_refused_request(till: Till, fay: Browser, ana: Client, bill: Invoice) -> None:
    attempt = refused(till, bill)
    page = plain(fay.get(PAYMENTS).content)
    assert f"Stripe refused the request: {ana.name}, invoice 1" in page
    for said in ("url_invalid", "success_url", attempt.stripe_request_id):
        assert said in page
    assert f"https://dashboard.stripe.com/test/logs/{attempt.stripe_request_id}" in fay.get(PAYMENTS).text
    assert "declined" not in page


def test_the_activity_names_the_refusal_and_not_the_card(till: Till, fay: Browser, ana: Client, bill: Invoice) -> None:
    attempt = refused(till, bill)
    activity = plain(fay.get(f"/office/clients/{ana.ref}/activity/").content)
    assert f"Stripe refused the request (url_invalid, success_url, {attempt.stripe_request_id})" in activity
    assert "Card declined" not in activity


def test_a_refused_refund_is_shown_until_it_is_sent(till: Till, fay: Browser, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.fault("refuse", "/v1/refunds", method="POST", code="charge_disputed")
    with pytest.raises(RefundRefused):
        card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=cast.DESK)
    page = plain(fay.get(PAYMENTS).content)
    assert "Failed refunds" in page
    assert "charge_disputed" in page
    card_refunds.send(payment, amount_minor=4_000, reason="Paid twice", shown=None, by=cast.DESK)
    assert "Nothing to review" in plain(fay.get(PAYMENTS).content)


def test_other_practice_does_not_see_it(till: Till, bill: Invoice) -> None:
    refused(till, bill)
    elsewhere = cast.signed_in(Browser(), cast.fay(cast.birch()))
    assert "Nothing to review" in plain(elsewhere.get(PAYMENTS).content)
