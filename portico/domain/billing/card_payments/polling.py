"""Asking Stripe what became of attempts: the return page asks for its own, the worker for all that are open."""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.card_payments import (
    call_failures,
    cancellation,
    checkouts,
    saved_card_charges,
    saved_cards,
    settlement,
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
from portico.domain.practices.stripe_setup import clock_checks, payment_readiness
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
# While Stripe cannot be asked at all.
POLL_INTERVAL_WITHOUT_CLIENT = timedelta(minutes=5)
LEASE = timedelta(seconds=90)
# A key is good for a day at Stripe; a little earlier we stop repeating a call with it, and only ask.
KEY_LASTS = timedelta(hours=23)
# Clocks differ.
MARGIN = timedelta(minutes=5)
# How far back an attempt is looked for that was written while our clock was ahead: when it really was is not known.
LOOKED_BACK = timedelta(days=30)


def poll(attempt: PaymentAttempt, *, deadline: Deadline | None = None) -> PaymentAttempt:
    """The attempt after Stripe was asked about it. Raises StripeTrouble; StripeNotReached without a key to ask by."""
    line = payment_readiness.read_client_for(
        attempt.practice, account_id=attempt.stripe_account_id, livemode=attempt.livemode, deadline=deadline
    )
    if line is None:
        raise StripeNotReachable
    try:
        _ask(attempt, line)
    except ResourceMissing as missing:
        settlement.missing_at_stripe(attempt, code=missing.code)
    return checkouts.refreshed(attempt)


def poll_next() -> bool:
    """Asks about the attempt that has waited longest, for the worker. Whether there was one."""
    waiting = PaymentAttempt.objects.waiting().select_related("client__practice", "account", "practice", "card")
    attempt = leases.claim(waiting, lease=LEASE)
    if attempt is None:
        return False
    wait = POLL_INTERVAL
    try:
        _follow(attempt)
    except (StripeNotReachable, InvalidKey):
        wait = POLL_INTERVAL_WITHOUT_CLIENT if _is_lineless(attempt) else POLL_INTERVAL
    except (StripeCallFailed, Processing) as trouble:
        logger.info("payment.not_known_yet", extra={"attempt": attempt.pk, "trouble": type(trouble).__name__})
    leases.finish(attempt, not_before=clock.now() + wait)
    return True


def expire_unwanted() -> bool:
    """Brings forward what should not be open any more; how the worker hears of access that was turned off."""
    later = PaymentAttempt.objects.filter(state=AttemptState.OPEN, not_before__gt=clock.now(), lease_until=None)
    return bool(later.filter(_unwanted()).update(not_before=None))


def delete_replaced_keys() -> int:
    """Deletes replaced keys by which nothing is left to be asked; upkeep calls it. Returns how many."""
    forgotten = 0
    for key in StripeKey.objects.filter(replaced_at__isnull=False).select_related("practice"):
        open_under_it = PaymentAttempt.objects.holding().filter(practice=key.practice, livemode=key.livemode)
        pending = Refund.objects.filter(practice=key.practice, state=RefundState.PENDING, way=RefundMethod.STRIPE)
        disputed = Dispute.objects.filter(practice=key.practice, state=DisputeState.OPEN)
        waiting = SavedCard.objects.filter(practice=key.practice, removed_at__isnull=False, detached_at=None)
        if not any(rows.exists() for rows in (open_under_it, pending, disputed, waiting)):
            payment_readiness.forget_key(key)
            forgotten += 1
    return forgotten


def _follow(attempt: PaymentAttempt) -> None:
    deadline = Deadline(WORK_SECONDS)
    now = clock.now()
    if attempt.state == AttemptState.OPEN:
        is_pageless = not attempt.checkout_session_id and attempt.way == AttemptMethod.CHECKOUT
        is_unwanted = PaymentAttempt.objects.filter(_unwanted(), pk=attempt.pk).exists()
        if is_pageless or is_unwanted or (attempt.way == AttemptMethod.SAVED_CARD and attempt.has_expired(now)):
            cancellation.cancel(attempt, deadline=deadline)
            return
    if attempt.called_at is None:
        # Whoever wrote it never came to call Stripe; else it is asked about at the next turn.
        settlement.end_if_never_sent(attempt)
        return
    poll(attempt, deadline=deadline)


def _ask(attempt: PaymentAttempt, line: StripeClient) -> None:
    if attempt.way == AttemptMethod.CHECKOUT:
        if attempt.checkout_session_id:
            settlement.apply_session(attempt, checkout_sessions.look_up(line, attempt.checkout_session_id))
    elif attempt.payment_intent_id:
        settlement.apply_intent(attempt, payment_intents.look_up(line, attempt.payment_intent_id))
    elif attempt.called_at is not None:
        _find_charge(attempt, line)


def _find_charge(attempt: PaymentAttempt, line: StripeClient) -> None:
    """A saved card was charged and the answer was lost: looked for, then asked for once more with the same key."""
    found = _by_metadata(attempt, line)
    if found is not None:
        saved_card_charges.record_intent(attempt, found)
        return
    if attempt.called_at is not None and not clock.is_within(attempt.called_at, KEY_LASTS):
        return
    try:
        saved_card_charges.record_intent(attempt, saved_card_charges.create(attempt, line))
    except CardDeclined as refusal:
        saved_card_charges.record_decline(attempt, refusal)
    except IdempotencyKeyReused:
        return  # It was called before, in other words; what came of it is still to be found.
    except RequestRejected as refusal:
        if attempt.card is not None:
            saved_cards.is_gone(attempt.card, refusal, line)
        call_failures.fail(attempt, refusal)


def _by_metadata(attempt: PaymentAttempt, line: StripeClient) -> PaymentIntent | None:
    try:
        found = payment_intents.of_customer(line, attempt.stripe_customer_id, since=_begun_at(attempt) - MARGIN)
    except ResourceMissing:
        return None  # The customer was deleted; the call itself is repeated with its key.
    mine = [each for each in found if (told := settlement.metadata_of(each)) and told.attempt == attempt.ref]
    return next((each for each in mine if each.is_paid), mine[0] if mine else None)


def _begun_at(attempt: PaymentAttempt) -> datetime:
    """The earliest time at which Stripe may have made something of it, by Stripe's clock."""
    if clock.is_from_future(attempt.written_at):
        return clock.now() - LOOKED_BACK
    return attempt.written_at - max(clock_checks.known(), timedelta())


def _unwanted() -> Q:
    """Access, option or client gone, or an invoice that takes nothing more: nobody shall pay on it."""
    opens = PortalAccess.objects.eligible(Purpose.CARD_PAYMENT).filter(
        client=OuterRef("client"), account=OuterRef("account")
    )
    covered = AttemptInvoice.objects.filter(attempt=OuterRef("pk"), is_open=True)
    gone = covered.filter(
        Q(invoice__voided_at__isnull=False) | Q(invoice__open_minor__lte=0) | Q(invoice__shared_at=None)
    )
    return ~Q(Exists(opens)) | Q(Exists(gone))


def _is_lineless(attempt: PaymentAttempt) -> bool:
    return (
        payment_readiness.read_client_for(
            attempt.practice, account_id=attempt.stripe_account_id, livemode=attempt.livemode
        )
        is None
    )
