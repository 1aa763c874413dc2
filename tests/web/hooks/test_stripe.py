"""Stripe's webhook: events are verified and stored once; everything else is refused and recorded."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import OnlinePayments, Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing.models import AuditEntry, InboundEvent, InboundEventState
from tests import cast
from tests.support.clock import NOW

pytestmark = pytest.mark.django_db

SECRET = "whsec_alder"
HOOK = "/hooks/stripe/alder-street/"

type Send = Callable[..., int]


def event(event_id: str = "evt_1", *, livemode: bool = False) -> bytes:
    inside = {"id": "pi_1", "object": "payment_intent", "description": "Invoice 1001"}
    return json.dumps(
        {
            "id": event_id, "object": "event", "type": "payment_intent.succeeded", "livemode": livemode,
            "created": int(NOW.timestamp()), "data": {"object": inside},
        }
    ).encode()  # fmt: skip


def signed(body: bytes, *secrets: str, at: datetime = NOW) -> str:
    seconds = int(at.timestamp())
    made = (hmac.new(each.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest() for each in secrets)
    return ",".join([f"t={seconds}", *(f"v1={each}" for each in made)])


@pytest.fixture
def ready(practice: Practice) -> Practice:
    api_keys.save_unchecked(practice, Keys("sk_test_alder", SECRET), by=cast.DESK)
    return practice


def post(body: bytes, signature: str | None = None, *, hook: str = HOOK) -> int:
    headers = {"Stripe-Signature": signed(body, SECRET) if signature is None else signature}
    # Without cookies, and with the CSRF check on.
    browser = Browser(enforce_csrf_checks=True)
    return browser.post(hook, body, content_type="application/json", headers=headers).status_code


def test_event_is_stored_once(ready: Practice) -> None:
    assert [post(event()) for _ in range(3)] == [200, 200, 200]
    (kept,) = InboundEvent.objects.all()
    assert (kept.practice, kept.event_id, kept.kind) == (ready, "evt_1", "payment_intent.succeeded")
    assert (kept.object_kind, kept.object_id, kept.state) == ("payment_intent", "pi_1", InboundEventState.WAITING)
    assert not AuditEntry.objects.filter(action=AuditAction.EVENT_REFUSED).exists()


def test_it_takes_at_most_three_queries(ready: Practice, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    body = event()
    with django_assert_num_queries(2):
        assert post(body) == 200


def test_a_rolled_secret_is_accepted_beside_the_new_one(ready: Practice) -> None:
    assert post(event(), signed(event(), "whsec_new", SECRET)) == 200
    assert InboundEvent.objects.count() == 1


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "nonsense",
        signed(event(), "whsec_birch"),
        signed(event(), ""),
        signed(event("evt_2"), SECRET),
        signed(event(), SECRET, at=NOW - timedelta(minutes=6)),
        signed(event(), SECRET, at=NOW + timedelta(minutes=6)),
    ],
    ids=["none", "nonsense", "another practice's", "empty secret", "another body", "old", "from the future"],
)
def test_invalid_signature_is_refused_and_recorded(ready: Practice, signature: str) -> None:
    assert post(event(), signature) == 400
    assert not InboundEvent.objects.exists()
    entry = AuditEntry.objects.get(action=AuditAction.EVENT_REFUSED)
    assert (entry.practice, entry.details["source"]) == (ready, "stripe")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\x00", b'{"object": "event"}'])
def test_malformed_body_is_refused_and_recorded(ready: Practice, body: bytes) -> None:
    assert post(body) == 400
    assert AuditEntry.objects.get(action=AuditAction.EVENT_REFUSED).details["reason"] == "not an event"


def test_body_over_256_kb_is_refused_and_recorded(ready: Practice) -> None:
    assert post(b" " * (256 * 1024 + 1)) == 413
    assert AuditEntry.objects.get(action=AuditAction.EVENT_REFUSED).details["reason"] == "too large"


def test_event_of_the_other_mode_changes_nothing(ready: Practice) -> None:
    body = event(livemode=True)
    assert post(body) == 200
    assert InboundEvent.objects.get().state == InboundEventState.IGNORED


def test_unavailable_database_is_503_so_stripe_retries(ready: Practice) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("connection failed: Connection refused")

    with connection.execute_wrapper(gone):
        assert post(event()) == 503
    assert not InboundEvent.objects.exists()
    assert post(event()) == 200


def test_404_without_a_secret_or_practice(practice: Practice) -> None:
    assert post(event()) == 404
    api_keys.save_unchecked(practice, Keys("sk_test_alder"), by=cast.DESK)
    assert post(event(), signed(event(), "")) == 404
    assert post(event(), hook="/hooks/stripe/unknown/") == 404
    assert not AuditEntry.objects.filter(action=AuditAction.EVENT_REFUSED).exists()


def test_secret_of_another_practice_is_refused(ready: Practice) -> None:
    api_keys.save_unchecked(cast.birch(), Keys("sk_test_birch", "whsec_birch"), by=cast.DESK)
    assert post(event(), signed(event(), "whsec_birch"), hook="/hooks/stripe/birch-lane/") == 200
    assert post(event(), signed(event(), "whsec_birch")) == 400
    assert InboundEvent.objects.get().practice.slug == "birch-lane"


def test_open_payments_get_events_after_key_removal(ready: Practice) -> None:
    api_keys.remove_keys(ready, by=cast.DESK)
    assert post(event()) == 200
    assert InboundEvent.objects.get().state == InboundEventState.WAITING


def test_suspended_practice_still_gets_events(ready: Practice) -> None:
    Practice.objects.filter(pk=ready.pk).update(suspended_at=NOW)
    assert post(event()) == 200


def test_audit_log_entries_for_refusals_are_limited(ready: Practice) -> None:
    assert {post(event(), "nonsense") for _ in range(70)} == {400}
    assert AuditEntry.objects.filter(action=AuditAction.EVENT_REFUSED).count() == 60


def test_undecryptable_secret_refuses_all_events(ready: Practice, settings: Settings) -> None:
    settings.FIELD_KEYS = {"new": b"n" * 32}
    assert post(event()) == 400
    assert not InboundEvent.objects.exists()
    assert OnlinePayments.objects.get().has_webhook
