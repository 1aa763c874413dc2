"""Stripe Checkout Sessions for payment attempts, created with the attempt's idempotency key only."""

import time
from datetime import timedelta

from django.conf import settings

from portico.domain.billing.card_payments import saved_cards, stripe_call_failures, stripe_metadata
from portico.domain.billing.card_payments.payment_refusals import ServerClockWrong
from portico.domain.billing.card_payments.stripe_call_failures import RejectedPart
from portico.domain.billing.models import AttemptFailure, AttemptMethod, AttemptState, PaymentAttempt
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import checkout_sessions
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import OutcomeUnknown, RequestRejected, StripeCallFailed, StripeUnreachable
from portico.gateways.stripe.objects import CheckoutSession
from portico.plumbing import clock

POLL_SECONDS = 0.2
# How far in the future, by Stripe's clock, a session may expire: https://docs.stripe.com/api/checkout/sessions/create
MIN_LIFETIME = timedelta(minutes=30)
MAX_LIFETIME = timedelta(hours=24)


def open_page(attempt: PaymentAttempt, stripe: StripeClient, *, avoided: frozenset[RejectedPart]) -> PaymentAttempt:
    """Creates the Checkout Session and returns the attempt with its URL; without an answer the attempt stays open.

    Raises Superseded, unless its cause is among `avoided`, and the refusals of `call_failures.refusal_of`. After either
    the attempt has ended.
    """
    try:
        if not attempt.stripe_customer_id:
            customer = saved_cards.get_or_create_customer(
                attempt.account, attempt.practice, stripe, account_id=attempt.stripe_account_id
            )
            attempt.stripe_customer_id = customer.customer_id
        if not _record_call(attempt):
            return refreshed(attempt)
        session = create(attempt, stripe, with_description=RejectedPart.DESCRIPTION not in avoided)
    except StripeCallFailed as error:
        stripe_call_failures.supersede(attempt, error, avoided=avoided)
        return abandon(attempt, error)
    record_session(attempt, session)
    return refreshed(attempt)


def create(attempt: PaymentAttempt, stripe: StripeClient, *, with_description: bool = True) -> CheckoutSession:
    """Creates the session, or returns the one created with the same key before. Raises StripeCallFailed."""
    url = url_of(attempt)
    expires_at = attempt.expires_at or clock.now()
    return checkout_sessions.open_session(
        stripe,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        name=stripe_metadata.name_of(
            cover.invoice for cover in attempt.covers.select_related("invoice").order_by("invoice_id")
        ),
        customer=attempt.stripe_customer_id,
        save_card=attempt.save_card,
        expires_at=expires_at,
        success_url=url,
        cancel_url=url,
        metadata=attempt.metadata,
        with_description=with_description,
        key=attempt.idempotency_key,
    )


def record_session(attempt: PaymentAttempt, session: CheckoutSession) -> None:
    """Saves the session's ids and URL, and releases the lease so that polling may take over."""
    PaymentAttempt.objects.filter(pk=attempt.pk).update(
        checkout_session_id=session.id,
        checkout_url=session.address,
        payment_intent_id=session.intent_id,
        lease_until=None,
    )


def abandon(attempt: PaymentAttempt, error: StripeCallFailed) -> PaymentAttempt:
    """Ends the attempt if Stripe cannot have done anything; otherwise returns it with its outcome still unknown.

    Raises ServerClockWrong and the refusals of `call_failures.refusal_of` when the attempt has ended.
    """
    if isinstance(error, OutcomeUnknown) and not isinstance(error, StripeUnreachable):
        PaymentAttempt.objects.filter(pk=attempt.pk).update(lease_until=None)
        return refreshed(attempt)
    stripe_call_failures.record_key_problem(attempt, error)
    if isinstance(error, RequestRejected) and _has_impossible_expiry(attempt):
        stripe_call_failures.fail(attempt, error, failure=AttemptFailure.SERVER_CLOCK)
        raise ServerClockWrong from error
    stripe_call_failures.fail(attempt, error)
    raise stripe_call_failures.refusal_of(error) from error


def _has_impossible_expiry(attempt: PaymentAttempt) -> bool:
    """Returns True if Stripe had to reject the session because our wrong clock gave it an invalid expiry time."""
    if attempt.method != AttemptMethod.CHECKOUT or attempt.expires_at is None:
        return False
    stripe_time = clock.now() - payment_readiness.STRIPE_CLOCK.known_difference()
    return not MIN_LIFETIME <= attempt.expires_at - stripe_time <= MAX_LIFETIME


def wait_for_session(attempt: PaymentAttempt, deadline: Deadline) -> PaymentAttempt:
    """Waits until a concurrent request has created the attempt's page or ended it, at most until the deadline."""
    while True:
        attempt = refreshed(attempt)
        is_known = bool(attempt.checkout_url or attempt.bank_url) or not attempt.holds_invoices
        if is_known or not attempt.is_held or deadline.left() < POLL_SECONDS:
            return attempt
        time.sleep(POLL_SECONDS)


def refreshed(attempt: PaymentAttempt) -> PaymentAttempt:
    return PaymentAttempt.objects.with_relations().get(pk=attempt.pk)


def url_of(attempt: PaymentAttempt) -> str:
    """Returns the absolute URL of the attempt's status page, to which Stripe and the bank redirect."""
    return f"{settings.PUBLIC_BASE_URL}/portal/{attempt.practice.slug}/payments/{attempt.ref}/"


def _record_call(attempt: PaymentAttempt) -> bool:
    """Saves the time of the call before it is made. Returns False if the attempt has ended in the meantime."""
    attempt.called_at = attempt.called_at or clock.now()
    return bool(
        PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.OPEN, method=AttemptMethod.CHECKOUT).update(
            called_at=attempt.called_at, stripe_customer_id=attempt.stripe_customer_id
        )
    )
