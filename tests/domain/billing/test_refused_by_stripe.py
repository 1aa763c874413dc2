"""Requests that Stripe refuses: each failure has its own code, and refused optional fields are omitted."""

import logging

import pytest
from pytest_django.fixtures import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import polling
from portico.domain.billing.card_payments.payment_refusals import (
    RefundRefused,
    StripeBusy,
    StripeNotReachable,
    StripeRefused,
    TooLarge,
    TooSmall,
)
from portico.domain.billing.models import AttemptFailure, AttemptState, Invoice, PaymentAttempt, RefundState, SavedCard
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing.models import AuditEntry
from portico.plumbing.refusals import Refused
from tests import cast
from tests.domain.billing.desk_sessions import fresh, paid
from tests.stripe_cards import attach_card
from tests.support import payment_outcomes
from tests.support.card_payments import Till
from tests.support.servers.ports import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]

SESSIONS = "/v1/checkout/sessions"


def refuse(till: Till, path: str, *, code: str = "", param: str = "") -> None:
    till.stripe.fault("refuse", path, method="POST", code=code, param=param)


# Optional fields.


@pytest.mark.parametrize(("code", "param"), [("email_invalid", "email"), ("email_invalid", ""), ("", "metadata[x]")])
def test_a_customer_is_created_without_a_refused_field(
    till: Till, ana: Client, bill: Invoice, code: str, param: str
) -> None:
    refuse(till, "/v1/customers", code=code, param=param)
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    polling.poll(attempt)
    assert fresh(bill).is_paid
    (customer,) = till.stripe.account_data().all("customer")
    assert (customer["email"] is None) == (code == "email_invalid")
    assert bool(customer["metadata"]) == (code == "email_invalid")


def test_a_customer_without_any_optional_field_can_pay(till: Till, ana: Client, bill: Invoice) -> None:
    refuse(till, "/v1/customers", code="email_invalid", param="email")
    refuse(till, "/v1/customers", param="metadata", code="metadata_invalid")
    assert till.start(ana, bill).checkout_url


def test_a_refused_customer_is_retried_with_a_new_key(till: Till, ana: Client, bill: Invoice) -> None:
    """Stripe replays its response for an idempotency key, so the next payment uses another one."""
    refuse(till, "/v1/customers", code="account_country_invalid", param="tax")
    with pytest.raises(StripeRefused):
        till.start(ana, bill)
    assert till.start(ana, bill).checkout_url


@pytest.mark.parametrize(
    "param", ["payment_intent_data[description]", "metadata", "payment_intent_data[metadata][portico_client]"]
)
def test_a_payment_continues_without_a_refused_field(till: Till, ana: Client, bill: Invoice, param: str) -> None:
    refuse(till, SESSIONS, param=param, code="parameter_invalid")
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    polling.poll(attempt)
    assert fresh(bill).is_paid
    assert len({each.idempotency_key for each in PaymentAttempt.objects.all()}) == 2
    assert [charge.amount for charge in till.book] == [14_000]


@pytest.mark.parametrize("param", ["description", "metadata"])
def test_a_saved_card_is_charged_without_refused_field(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, param: str
) -> None:
    refuse(till, "/v1/payment_intents", param=param, code="parameter_invalid")
    assert till.charge(ana, card, bill).state == AttemptState.SUCCEEDED
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_a_request_refused_twice_fails(till: Till, ana: Client, bill: Invoice) -> None:
    for _time in range(2):
        refuse(till, SESSIONS, param="metadata", code="parameter_invalid")
    with pytest.raises(StripeRefused):
        till.start(ana, bill)
    assert not bill.attempts.filter(is_open=True).exists()


# Each failure has its own code.


def test_a_refused_request_is_recorded_with_its_details(
    till: Till, ana: Client, bill: Invoice, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(till, SESSIONS, code="url_invalid", param="success_url")
    with caplog.at_level(logging.WARNING), pytest.raises(StripeRefused):
        till.start(ana, bill)
    attempt = PaymentAttempt.objects.get()
    assert (attempt.failure, attempt.reason, attempt.failure_param) == ("refused", "url_invalid", "success_url")
    assert attempt.stripe_request_id.startswith("req_")
    (line,) = [record for record in caplog.records if record.message == "payment.refused"]
    logged = (line.code, line.param, line.request)  # type: ignore[attr-defined]  # The extras of the entry.
    assert logged == ("url_invalid", "success_url", attempt.stripe_request_id)
    entry = AuditEntry.objects.get(action=AuditAction.PAYMENT_REFUSED)
    assert entry.details["request"] == attempt.stripe_request_id
    assert not AuditEntry.objects.filter(action=AuditAction.PAYMENT_DECLINED).exists()
    assert payment_outcomes.number_in_review(till.practice) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (("429", ""), (StripeBusy, AttemptFailure.RATE_LIMITED, AuditAction.PAYMENT_NOT_REACHED)),
        (("deny", ""), (StripeRefused, AttemptFailure.PERMISSION, AuditAction.PAYMENT_REFUSED)),
        (("refuse", "account_invalid"), (StripeRefused, AttemptFailure.ACCOUNT_CLOSED, AuditAction.PAYMENT_REFUSED)),
        (("refuse", "amount_too_small"), (TooSmall, AttemptFailure.REFUSED, AuditAction.PAYMENT_REFUSED)),
        (("refuse", "amount_too_large"), (TooLarge, AttemptFailure.REFUSED, AuditAction.PAYMENT_REFUSED)),
        (("refuse", "something_new"), (StripeRefused, AttemptFailure.REFUSED, AuditAction.PAYMENT_REFUSED)),
    ],
)
def test_each_failure_has_its_own_code(
    till: Till,
    card: SavedCard,
    bill: Invoice,
    fault: tuple[str, str],
    expected: tuple[type, AttemptFailure, AuditAction],
) -> None:
    refusal, failure, action = expected
    kind, code = fault
    till.stripe.fault(kind, "/v1/payment_intents", method="POST", code=code)
    with pytest.raises(Refused) as refused:
        till.charge(bill.client, card, bill)
    assert type(refused.value) is refusal
    attempt = PaymentAttempt.objects.latest("id")
    assert (attempt.state, attempt.failure) == (AttemptState.FAILED, failure)
    assert AuditEntry.objects.filter(action=action, about=attempt.ref).exists()


def test_a_revoked_key_has_its_own_code(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.revoke("sk_test_demo")
    with pytest.raises(StripeRefused):
        till.start(ana, bill)
    assert PaymentAttempt.objects.latest("id").failure == AttemptFailure.KEY_REFUSED


def test_an_unreachable_stripe_has_its_own_code(till: Till, ana: Client, bill: Invoice, settings: Settings) -> None:
    settings.STRIPE_API_BASE = f"http://localhost:{free_port()}"
    with pytest.raises(StripeNotReachable):
        till.start(ana, bill)
    assert PaymentAttempt.objects.get().failure == AttemptFailure.UNREACHABLE
    assert AuditEntry.objects.filter(action=AuditAction.PAYMENT_NOT_REACHED).exists()


def test_a_declined_card_needs_no_review(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    failing = attach_card(
        payment_readiness.client_for(till.practice), "pm_card_chargeCustomerFail", card.customer.customer_id
    )
    assert failing is not None
    SavedCard.objects.filter(pk=card.pk).update(payment_method_id=failing.id)
    card.refresh_from_db()
    till.charge(ana, card, bill)
    declined = PaymentAttempt.objects.latest("id")
    assert (declined.state, declined.failure) == (AttemptState.FAILED, AttemptFailure.DECLINED)
    assert AuditEntry.objects.filter(action=AuditAction.PAYMENT_DECLINED).count() == 1
    assert payment_outcomes.number_in_review(till.practice) == 0


def test_a_refusal_leaves_review_after_a_new_attempt(till: Till, ana: Client, bill: Invoice) -> None:
    refuse(till, SESSIONS, code="url_invalid")
    with pytest.raises(StripeRefused):
        till.start(ana, bill)
    assert payment_outcomes.number_in_review(till.practice) == 1
    till.start(ana, bill)
    assert payment_outcomes.number_in_review(till.practice) == 0


def test_a_refusal_leaves_review_after_cash(till: Till, ana: Client, bill: Invoice) -> None:
    refuse(till, SESSIONS, code="url_invalid")
    with pytest.raises(StripeRefused):
        till.start(ana, bill)
    cast.cash(ana, 14_000, invoice=bill)
    assert payment_outcomes.number_in_review(till.practice) == 0


def test_a_refused_refund_is_in_review_until_it_is_sent(till: Till, ana: Client, bill: Invoice) -> None:
    payment = paid(till, bill)
    refuse(till, "/v1/refunds", code="charge_disputed", param="charge")
    with pytest.raises(RefundRefused):
        card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=cast.DESK)
    entry = AuditEntry.objects.get(action=AuditAction.REFUND_FAILED)
    assert (entry.details["failure"], entry.details["reason"]) == ("refused", "charge_disputed")
    assert entry.details["request"].startswith("req_")
    assert payment_outcomes.number_in_review(till.practice) == 1
    sent = card_refunds.send(payment, amount_minor=14_000, reason="Paid twice", shown=None, by=cast.DESK)
    assert sent.state == RefundState.SUCCEEDED
    assert payment_outcomes.number_in_review(till.practice) == 0


def test_an_unreachable_stripe_is_no_refusal(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("429", times=5)
    with pytest.raises(StripeNotReachable):
        till.start(ana, bill)
    assert payment_outcomes.number_in_review(till.practice) == 0
