"""Polling Stripe for the outcome of payment attempts, from the return page and from the worker."""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.card_payments import (
    cancellation,
    checkouts,
    saved_card_charges,
    saved_cards,
    settlement,
    stripe_call_failures,
)
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import (
    AttemptInvoice,
    AttemptMethod,
    AttemptState,
    Dispute,
    DisputeState,
    PaymentAttempt,
    Refund,
    RefundMethod,
    RefundState,
    SavedCard,
)
from portico.domain.billing.refusals import Processing
from portico.domain.practices.models import StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import checkout_sessions, payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import (
    CardDeclined,
    IdempotencyKeyReused,
    InvalidKey,
    RequestRejected,
    ResourceMissing,
    StripeCallFailed,
)
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing import clock
from portico.plumbing.queue import leases

logger = logging.getLogger(__name__)

POLL_INTERVAL = timedelta(seconds=60)
# While there is no key with which to call Stripe.
POLL_INTERVAL_WITHOUT_CLIENT = timedelta(minutes=5)
LEASE = timedelta(seconds=90)
# Stripe keeps an idempotency key for 24 hours. A little earlier we stop repeating the call and only search.
IDEMPOTENCY_KEY_LIFETIME = timedelta(hours=23)
# Allowed difference between our clock and Stripe's.
CLOCK_MARGIN = timedelta(minutes=5)
# How far back to search for an attempt written while our clock was ahead: its real time is unknown.
MAX_SEARCH_AGE = timedelta(days=30)


def poll(attempt: PaymentAttempt, *, deadline: Deadline | None = None) -> PaymentAttempt:
    """Fetches the attempt's state from Stripe, settles it and returns the attempt.

    Raises StripeCallFailed, and StripeNotReachable if there is no key for the attempt's account.
    """
    stripe = payment_readiness.read_client_of(attempt, deadline=deadline)
    if stripe is None:
        raise StripeNotReachable
    try:
        _fetch_and_apply(attempt, stripe)
    except ResourceMissing as missing:
        settlement.end_missing_at_stripe(attempt, code=missing.code)
    return checkouts.refreshed(attempt)


def poll_next() -> bool:
    """Polls the attempt that has waited longest; called by the worker. Returns False if none is due."""
    attempt = leases.claim(PaymentAttempt.objects.waiting().with_relations(), lease=LEASE)
    if attempt is None:
        return False
    wait = POLL_INTERVAL
    try:
        _poll_or_cancel(attempt)
    except (StripeNotReachable, InvalidKey):
        if payment_readiness.read_client_of(attempt) is None:
            wait = POLL_INTERVAL_WITHOUT_CLIENT
    except (StripeCallFailed, Processing) as error:
        logger.info("payment.still_unknown", extra={"attempt": attempt.pk, "error": type(error).__name__})
    leases.finish(attempt, not_before=clock.now() + wait)
    return True


def expire_unwanted() -> bool:
    """Makes open attempts due at once if they may no longer be paid, for example after access was turned off.

    Returns True if there were any. `poll_next` then cancels them.
    """
    later = PaymentAttempt.objects.filter(state=AttemptState.OPEN, not_before__gt=clock.now(), lease_until=None)
    return bool(later.filter(_unwanted()).update(not_before=None))


def delete_replaced_keys() -> int:
    """Deletes replaced API keys that are no longer needed for open work; a scheduled task. Returns their number."""
    deleted = 0
    for key in StripeKey.objects.filter(replaced_at__isnull=False).select_related("practice"):
        open_under_it = PaymentAttempt.objects.holding_invoices().filter(practice=key.practice, livemode=key.livemode)
        pending = Refund.objects.filter(practice=key.practice, state=RefundState.PENDING, method=RefundMethod.STRIPE)
        disputed = Dispute.objects.filter(practice=key.practice, state=DisputeState.OPEN)
        waiting = SavedCard.objects.filter(practice=key.practice, removed_at__isnull=False, detached_at=None)
        if not any(rows.exists() for rows in (open_under_it, pending, disputed, waiting)):
            payment_readiness.delete_replaced_key(key)
            deleted += 1
    return deleted


def _poll_or_cancel(attempt: PaymentAttempt) -> None:
    deadline = Deadline(WORK_SECONDS)
    now = clock.now()
    if attempt.state == AttemptState.OPEN:
        is_pageless = not attempt.checkout_session_id and attempt.method == AttemptMethod.CHECKOUT
        is_unwanted = PaymentAttempt.objects.filter(_unwanted(), pk=attempt.pk).exists()
        if is_pageless or is_unwanted or (attempt.method == AttemptMethod.SAVED_CARD and attempt.has_expired(now)):
            cancellation.cancel(attempt, deadline=deadline)
            return
    if attempt.called_at is None:
        # Stripe was never called. If it is called in this moment, the next poll fetches the outcome.
        settlement.end_if_never_sent(attempt)
        return
    poll(attempt, deadline=deadline)


def _fetch_and_apply(attempt: PaymentAttempt, stripe: StripeClient) -> None:
    if attempt.method == AttemptMethod.CHECKOUT:
        if attempt.checkout_session_id:
            settlement.apply_session(attempt, checkout_sessions.look_up(stripe, attempt.checkout_session_id))
    elif attempt.payment_intent_id:
        settlement.apply_intent(attempt, payment_intents.look_up(stripe, attempt.payment_intent_id))
    elif attempt.called_at is not None:
        _find_charge(attempt, stripe)


def _find_charge(attempt: PaymentAttempt, stripe: StripeClient) -> None:
    """Finds a saved-card charge whose answer was lost; if there is none, repeats the call with the same key."""
    found = _find_by_metadata(attempt, stripe)
    if found is not None:
        saved_card_charges.record_intent(attempt, found)
        return
    if attempt.called_at is not None and not clock.is_within(attempt.called_at, IDEMPOTENCY_KEY_LIFETIME):
        return
    try:
        saved_card_charges.record_intent(attempt, saved_card_charges.create(attempt, stripe))
    except CardDeclined as refusal:
        saved_card_charges.record_decline(attempt, refusal)
    except IdempotencyKeyReused:
        return  # An earlier call had other parameters; its charge is still to be found.
    except RequestRejected as refusal:
        if attempt.card is not None:
            saved_cards.is_gone(attempt.card, refusal, stripe)
        stripe_call_failures.fail(attempt, refusal)


def _find_by_metadata(attempt: PaymentAttempt, stripe: StripeClient) -> PaymentIntent | None:
    try:
        found = payment_intents.of_customer(
            stripe, attempt.stripe_customer_id, since=_earliest_start(attempt) - CLOCK_MARGIN
        )
    except ResourceMissing:
        return None  # The customer was deleted; the caller repeats the call with its key.
    matching = [each for each in found if (data := settlement.metadata_of(each)) and data.attempt == attempt.ref]
    return next((each for each in matching if each.is_paid), matching[0] if matching else None)


def _earliest_start(attempt: PaymentAttempt) -> datetime:
    """Returns the earliest time, by Stripe's clock, at which Stripe may have created the charge."""
    if clock.is_from_future(attempt.written_at):
        return clock.now() - MAX_SEARCH_AGE
    return attempt.written_at - max(payment_readiness.STRIPE_CLOCK.known_difference(), timedelta())


def _unwanted() -> Q:
    """Returns the condition for attempts that may no longer be paid.

    The account is no longer eligible to pay for the client, or an invoice is void, paid or no longer shared.
    """
    eligible = PortalAccess.objects.eligible(Purpose.CARD_PAYMENT).filter(
        client=OuterRef("client"), account=OuterRef("account")
    )
    covered = AttemptInvoice.objects.filter(attempt=OuterRef("pk"), is_open=True)
    not_payable = covered.filter(
        Q(invoice__voided_at__isnull=False) | Q(invoice__open_minor__lte=0) | Q(invoice__shared_at=None)
    )
    return ~Q(Exists(eligible)) | Q(Exists(not_payable))
