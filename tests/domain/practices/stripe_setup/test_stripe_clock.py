"""A wrong clock of this server is detected from Stripe's responses, and messages name it as the cause."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.billing.card_payments.payment_refusals import ServerClockWrong
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt
from portico.domain.practices.models import Practice, StripeKey
from portico.domain.practices.stripe_setup import api_keys, payment_readiness
from portico.gateways.stripe import account
from portico.plumbing.models import ClockDifference
from tests import cast
from tests.support.card_payments import Till, let_pay, signed_in_to_pay
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAYMENTS = "/office/settings/payments/"


@pytest.fixture
def bill(till: Till) -> Invoice:
    return cast.bill(let_pay(cast.ana(till.practice)))


def slow_down_our_clock(till: Till, **by: int) -> None:
    """Sets Stripe's clock ahead, which has the same effect as a slow clock of ours."""
    till.stripe.forward(int(timedelta(**by).total_seconds()))


def call_stripe(till: Till) -> None:
    account.look_up(payment_readiness.client_for(till.practice))


def text_of(browser: Browser, address: str) -> str:
    return plain(browser.get(address).content)


def test_a_clock_20_minutes_slow_is_named_to_the_owner(till: Till, client: Browser) -> None:
    owner = cast.signed_in_with_factor(client, cast.elm(till.practice))
    assert "clock" not in text_of(owner, PAYMENTS)
    slow_down_our_clock(till, minutes=20)
    call_stripe(till)
    assert "The server’s clock is 20 minutes slow." in text_of(owner, PAYMENTS)
    slow_down_our_clock(till, minutes=-45)
    call_stripe(till)
    assert "The server’s clock is 25 minutes fast." in text_of(owner, PAYMENTS)


def test_readyz_reports_the_clock_and_stays_ready(till: Till, client: Browser) -> None:
    slow_down_our_clock(till, minutes=20)
    call_stripe(till)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["clock_ahead_seconds"] == -1200


def test_a_payment_that_fails_for_the_clock_does_not_blame_stripe(till: Till, bill: Invoice, client: Browser) -> None:
    slow_down_our_clock(till, minutes=20)
    with pytest.raises(ServerClockWrong, match="a problem on our side"):
        till.start(bill.client, bill)
    attempt = PaymentAttempt.objects.get()
    assert (attempt.state, attempt.reason) == (AttemptState.FAILED, "server_clock")
    office = cast.signed_in(client, cast.fay(till.practice))
    activity = text_of(office, f"/office/clients/{bill.client.ref}/activity/")
    assert "Card payment not started: the server’s clock is wrong" in activity
    assert "Card declined" not in activity


def test_the_client_reads_that_the_problem_is_ours(till: Till, bill: Invoice, client: Browser) -> None:
    ana = signed_in_to_pay(client, bill.client)
    slow_down_our_clock(till, minutes=20)
    page = f"/portal/alder-street/billing/{bill.ref}/payment/"
    response = ana.post(page, {"with": "new", "amount": "14000"})
    assert response.status_code == 409
    assert "because of a problem on our side. Nothing was charged." in plain(response.content)
    assert "Stripe didn’t accept" not in plain(response.content)


def test_a_clock_two_days_fast_is_named_too(till: Till, bill: Invoice) -> None:
    slow_down_our_clock(till, days=-2)
    with pytest.raises(ServerClockWrong):
        till.start(bill.client, bill)
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta(days=2)


def test_a_clock_two_minutes_off_counts_as_right(till: Till, bill: Invoice) -> None:
    for seconds in (60, -120):
        slow_down_our_clock(till, seconds=seconds)
        till.start(bill.client, bill)
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta()


def test_the_difference_is_deleted_when_the_clock_is_right(till: Till) -> None:
    slow_down_our_clock(till, minutes=20)
    call_stripe(till)
    api_keys.measure_clock_again()
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta(minutes=-20)
    slow_down_our_clock(till, minutes=-20)
    api_keys.measure_clock_again()
    assert not ClockDifference.objects.exists()


def test_check_again_notices_a_corrected_clock(till: Till, practice: Practice) -> None:
    slow_down_our_clock(till, minutes=20)
    api_keys.check_again(practice, by=cast.DESK)
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta(minutes=-20)
    slow_down_our_clock(till, minutes=-20)
    api_keys.check_again(practice, by=cast.DESK)
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta()


def test_without_a_key_the_difference_is_deleted(till: Till) -> None:
    slow_down_our_clock(till, minutes=20)
    call_stripe(till)
    api_keys.remove_keys(till.practice, by=cast.DESK)
    assert StripeKey.objects.exists()
    api_keys.measure_clock_again()
    assert not ClockDifference.objects.exists()


def test_a_failed_call_keeps_the_known_difference(till: Till) -> None:
    slow_down_our_clock(till, minutes=20)
    call_stripe(till)
    till.stripe.fault("hang", seconds=0.1)
    assert api_keys.measure_clock_again() == 1
    assert payment_readiness.STRIPE_CLOCK.known_difference() == timedelta(minutes=-20)


def test_a_right_clock_costs_no_query(till: Till, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    stripe = payment_readiness.client_for(till.practice)
    with django_assert_num_queries(0):
        account.look_up(stripe)
