"""Forged events, or those of another account or mode, change no payment."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client as Browser

from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing import inbound_events
from portico.plumbing.models import InboundEvent, InboundEventState
from tests import cast
from tests.support.card_payments import KEY, Till, let_pay
from tests.support.clock import NOW
from tests.web.hooks.test_stripe import HOOK, SECRET, signed

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

BIRCH_SECRET = "whsec_birch"


@pytest.fixture
def attempt(till: Till) -> PaymentAttempt:
    """Returns an attempt that was paid on Stripe's page, but not polled yet."""
    api_keys.save_keys(till.practice, Keys(KEY, SECRET), by=cast.DESK)
    api_keys.save_keys(cast.birch(), Keys("sk_test_birch", BIRCH_SECRET), by=cast.DESK)
    ana = let_pay(cast.ana(till.practice))
    attempt = till.start(ana, cast.bill(ana))
    till.type_card(attempt)
    return attempt


def told(attempt: PaymentAttempt, *, livemode: bool = False) -> bytes:
    inside = {"id": attempt.checkout_session_id, "object": "checkout.session"}
    return json.dumps(
        {
            "id": "evt_1", "object": "event", "type": "checkout.session.completed", "livemode": livemode,
            "created": int(NOW.timestamp()), "data": {"object": inside},
        }
    ).encode()  # fmt: skip


def send(body: bytes, signature: str, hook: str = HOOK) -> int:
    """Posts the event and runs the worker."""
    answer = Browser().post(hook, body, content_type="application/json", headers={"Stripe-Signature": signature})
    while inbound_events.process_next():
        pass
    return answer.status_code


def test_validly_signed_event_settles_the_payment(attempt: PaymentAttempt) -> None:
    body = told(attempt)
    assert [send(body, signed(body, SECRET)) for _ in range(3)] == [200, 200, 200]
    assert (Payment.objects.count(), Invoice.objects.get().is_paid) == (1, True)


WRONG: dict[str, Callable[[bytes], str]] = {
    "forged": lambda body: f"t={int(NOW.timestamp())},v1={'0' * 64}",
    "of another body": lambda body: signed(body + b" ", SECRET),
    "of another secret": lambda body: signed(body, "whsec_wrong"),
    "of another practice": lambda body: signed(body, BIRCH_SECRET),
    "old": lambda body: signed(body, SECRET, at=NOW - timedelta(minutes=6)),
    "of the future": lambda body: signed(body, SECRET, at=NOW + timedelta(minutes=6)),
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_signature_changes_nothing(attempt: PaymentAttempt, how: str) -> None:
    body = told(attempt)
    assert send(body, WRONG[how](body)) == 400
    nothing_has_moved(attempt)


def test_event_of_the_other_mode_changes_nothing(attempt: PaymentAttempt) -> None:
    body = told(attempt, livemode=True)
    assert send(body, signed(body, SECRET)) == 200
    nothing_has_moved(attempt)


def test_event_of_another_practice_changes_nothing(attempt: PaymentAttempt) -> None:
    body = told(attempt)
    assert send(body, signed(body, BIRCH_SECRET), "/hooks/stripe/birch-lane/") == 200
    # Unknown to Birch Lane's Stripe account: retried, in case it appears later.
    assert InboundEvent.objects.get().state == InboundEventState.WAITING
    nothing_has_moved(attempt)


def nothing_has_moved(attempt: PaymentAttempt) -> None:
    attempt.refresh_from_db()
    assert (attempt.state, Payment.objects.count()) == (AttemptState.OPEN, 0)
    assert not Invoice.objects.get().is_paid
