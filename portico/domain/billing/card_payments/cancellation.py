"""Ending an open attempt at Stripe, so that nobody can pay on it any more."""

from collections.abc import Callable
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

# Creating a Checkout is repeated so long after the first call and no longer.
REPEATED_FOR = timedelta(minutes=10)
# Stripe's word for a call with the same key that has not ended yet.
IN_FLIGHT = "idempotency_key_in_use"


def cancel(attempt: PaymentAttempt, *, deadline: Deadline | None = None) -> None:
    """Ends it at Stripe first, then here. If it was paid meanwhile, that is settled instead.

    Raises Processing when money may have moved, StripeNotReached when nobody can be asked.
    """
    if attempt.is_moving:
        raise Processing
    line = payment_readiness.read_client_for(
        attempt.practice, account_id=attempt.stripe_account_id, livemode=attempt.livemode, deadline=deadline
    )
    if line is None:
        raise StripeNotReachable
    try:
        _retire(attempt, line)
    except StripeCallFailed as trouble:
        raise StripeNotReachable from trouble


def _retire(attempt: PaymentAttempt, line: StripeClient) -> None:
    if attempt.way == AttemptMethod.SAVED_CARD:
        _cancel(attempt, line)
        return
    if attempt.called_at is None:
        if settlement.end_if_never_sent(attempt):
            return
        attempt = checkouts.refreshed(attempt)
    if not attempt.checkout_session_id:
        if attempt.called_at is None or not clock.is_within(attempt.called_at, REPEATED_FOR):
            # Nobody has ever had the address of its page, if there is one.
            settlement.end(attempt, AttemptState.EXPIRED)
            return
        session = _created(attempt, line)
        if session is None:
            return
        attempt.checkout_session_id = session
    try:
        session_now = _expired(line, attempt.checkout_session_id)
    except ResourceMissing as missing:
        settlement.missing_at_stripe(attempt, code=missing.code)
        return
    settlement.apply_session(attempt, session_now)


def _expired(line: StripeClient, session: str) -> CheckoutSession:
    try:
        return checkout_sessions.expire(line, session)
    except RequestRejected:
        return checkout_sessions.look_up(line, session)


def _created(attempt: PaymentAttempt, line: StripeClient) -> str | None:
    """The id of the page that the first call made, or may have made; None when there is no way to learn it."""
    try:
        session = checkouts.create(attempt, line)
    except StripeUnreachable:
        raise
    except (RequestRejected, OutcomeUnknown) as trouble:
        if trouble.code == IN_FLIGHT:
            raise
        # Stripe answers a call that went wrong as it did the first time. Nobody has the page's address.
        settlement.end(attempt, AttemptState.EXPIRED)
        return None
    checkouts.record_session(attempt, session)
    return session.id


def _cancel(attempt: PaymentAttempt, line: StripeClient) -> None:
    try:
        intent = payment_intents.cancel(line, attempt.payment_intent_id)
    except ResourceMissing as missing:
        settlement.missing_at_stripe(attempt, code=missing.code)
        return
    except RequestRejected:
        intent = payment_intents.look_up(line, attempt.payment_intent_id)
    settlement.apply_intent(attempt, intent)


def clearing_way[R](invoice: Invoice, act: Callable[[], R]) -> R:
    """Runs what staff do with an invoice; a payment that the client began and left is ended at Stripe first.

    Stripe is asked only if the operation raises BeingPaid, and the operation runs again afterwards: if Stripe finds the
    invoice paid, it compares the sums once more. Raises what `act` raises, Processing, StripeNotReached.
    """
    try:
        return act()
    except BeingPaid:
        cancel_open_attempts(invoice)
    return act()


def cancel_open_attempts(invoice: Invoice) -> None:
    """Ends a payment that the client began for an invoice and left. Raises Processing, StripeNotReached."""
    rows = PaymentAttempt.objects.filter(covers__invoice=invoice, covers__is_open=True, state=AttemptState.OPEN)
    for attempt in rows.select_related("client__practice", "account", "practice", "card"):
        cancel(attempt, deadline=Deadline())
