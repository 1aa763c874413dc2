"""Canceling open payment attempts at Stripe, so that they can no longer be paid."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from portico.domain.billing.card_payments import checkouts, settlement
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import AttemptMethod, AttemptState, Invoice, PaymentAttempt
from portico.domain.billing.refusals import BeingPaid, Processing
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import checkout_sessions, payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import (
    OutcomeUnknown,
    RequestRejected,
    ResourceMissing,
    StripeCallFailed,
    StripeUnreachable,
)
from portico.gateways.stripe.objects import CheckoutSession
from portico.plumbing import clock

# How long after the first call the creation of a Checkout Session may be repeated.
MAX_CREATE_REPEAT_AGE = timedelta(minutes=10)
# Stripe's error code while an earlier call with the same idempotency key is still running.
IN_FLIGHT = "idempotency_key_in_use"


def cancel(attempt: PaymentAttempt, *, deadline: Deadline | None = None) -> None:
    """Cancels the attempt at Stripe first, then here. If it was paid in the meantime, settles the payment instead.

    Raises Processing when money may have moved, StripeNotReachable when Stripe cannot be called.
    """
    if attempt.is_moving:
        raise Processing
    stripe = payment_readiness.read_client_of(attempt, deadline=deadline)
    if stripe is None:
        raise StripeNotReachable
    try:
        _cancel_at_stripe(attempt, stripe)
    except StripeCallFailed as error:
        raise StripeNotReachable from error


def _cancel_at_stripe(attempt: PaymentAttempt, stripe: StripeClient) -> None:
    if attempt.method == AttemptMethod.SAVED_CARD:
        _cancel_intent(attempt, stripe)
        return
    if attempt.called_at is None:
        if settlement.end_if_never_sent(attempt):
            return
        attempt = checkouts.refreshed(attempt)
    if not attempt.checkout_session_id:
        if attempt.called_at is None or not clock.is_within(attempt.called_at, MAX_CREATE_REPEAT_AGE):
            # Even if the session exists, its URL was never given out.
            settlement.end(attempt, AttemptState.EXPIRED)
            return
        session = _create_or_fetch_session(attempt, stripe)
        if session is None:
            return
        attempt.checkout_session_id = session
    try:
        session_now = _expire_session(stripe, attempt.checkout_session_id)
    except ResourceMissing as missing:
        settlement.end_missing_at_stripe(attempt, code=missing.code)
        return
    settlement.apply_session(attempt, session_now)


def _expire_session(stripe: StripeClient, session: str) -> CheckoutSession:
    try:
        return checkout_sessions.expire(stripe, session)
    except RequestRejected:
        return checkout_sessions.look_up(stripe, session)


def _create_or_fetch_session(attempt: PaymentAttempt, stripe: StripeClient) -> str | None:
    """Returns the id of the session that the first call may have created; None if it cannot be found out."""
    try:
        session = checkouts.create(attempt, stripe)
    except StripeUnreachable:
        raise
    except (RequestRejected, OutcomeUnknown) as error:
        if error.code == IN_FLIGHT:
            raise
        # Stripe repeats the error of the first call with this key. The session's URL was never given out.
        settlement.end(attempt, AttemptState.EXPIRED)
        return None
    checkouts.record_session(attempt, session)
    return session.id


def _cancel_intent(attempt: PaymentAttempt, stripe: StripeClient) -> None:
    try:
        intent = payment_intents.cancel(stripe, attempt.payment_intent_id)
    except ResourceMissing as missing:
        settlement.end_missing_at_stripe(attempt, code=missing.code)
        return
    except RequestRejected:
        intent = payment_intents.look_up(stripe, attempt.payment_intent_id)
    settlement.apply_intent(attempt, intent)


def retry_after_cancelling[R](invoices: Iterable[Invoice], operation: Callable[[], R]) -> R:
    """Runs a staff operation on invoices; if it raises BeingPaid, cancels their open attempts and runs it again.

    The second run compares the shown sums again, because an invoice may turn out to be paid.
    Raises what `operation` raises, Processing, StripeNotReachable.
    """
    try:
        return operation()
    except BeingPaid:
        for invoice in invoices:
            cancel_open_attempts(invoice)
    return operation()


def cancel_open_attempts(invoice: Invoice) -> None:
    """Cancels the invoice's attempts that were started and not finished. Raises Processing, StripeNotReachable."""
    rows = PaymentAttempt.objects.filter(covers__invoice=invoice, covers__is_open=True, state=AttemptState.OPEN)
    for attempt in rows.with_relations():
        cancel(attempt, deadline=Deadline())
