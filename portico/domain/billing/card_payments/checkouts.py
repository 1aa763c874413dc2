"""Stripe's hosted page for a payment: opened with the attempt's key, and never another."""

import time
from datetime import timedelta

from django.conf import settings

from portico.domain.billing.card_payments import call_failures, saved_cards, stripe_metadata
from portico.domain.billing.card_payments.call_failures import Cause
from portico.domain.billing.card_payments.payment_refusals import ServerClockWrong
from portico.domain.billing.models import AttemptFailure, AttemptMethod, AttemptState, PaymentAttempt
from portico.domain.practices.stripe_setup import clock_checks
from portico.gateways.stripe import checkout_sessions
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import OutcomeUnknown, RequestRejected, StripeCallFailed, StripeUnreachable
from portico.gateways.stripe.objects import CheckoutSession
from portico.plumbing import clock

PAUSE = 0.2
# How far ahead, by Stripe's clock, a page may expire: https://docs.stripe.com/api/checkout/sessions/create
SHORTEST_LIFE = timedelta(minutes=30)
LONGEST_LIFE = timedelta(hours=24)


def open_page(attempt: PaymentAttempt, line: StripeClient, *, tried: frozenset[Cause] = frozenset()) -> PaymentAttempt:
    """The attempt with the address of its page. Without an answer it stays Started, to be started again.

    Raises Superseded, unless its cause was `tried` already, and what `failures.refusal_of` gives: then the attempt is
    over.
    """
    try:
        if not attempt.stripe_customer_id:
            customer = saved_cards.get_or_create_customer(
                attempt.account, attempt.practice, line, account_id=attempt.stripe_account_id
            )
            attempt.stripe_customer_id = customer.customer_id
        if not _note_call(attempt):
            return refreshed(attempt)
        session = create(attempt, line, with_description=Cause.DESCRIPTION not in tried)
    except StripeCallFailed as trouble:
        call_failures.supersede(attempt, trouble, tried=tried)
        return abandon(attempt, trouble)
    record_session(attempt, session)
    return refreshed(attempt)


def create(attempt: PaymentAttempt, line: StripeClient, *, with_description: bool = True) -> CheckoutSession:
    """Creates the page, or gets the one that was created with the same key. Raises StripeTrouble."""
    address = url_of(attempt)
    expires_at = attempt.expires_at or clock.now()
    return checkout_sessions.open_session(
        line,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        name=stripe_metadata.name_of(
            cover.invoice for cover in attempt.covers.select_related("invoice").order_by("invoice_id")
        ),
        customer=attempt.stripe_customer_id,
        save_card=attempt.save_card,
        expires_at=expires_at,
        success_url=address,
        cancel_url=address,
        metadata=attempt.metadata,
        with_description=with_description,
        key=attempt.idempotency_key,
    )


def record_session(attempt: PaymentAttempt, session: CheckoutSession) -> None:
    """Notes the page, and lets the sweep have the attempt."""
    PaymentAttempt.objects.filter(pk=attempt.pk).update(
        checkout_session_id=session.id,
        checkout_url=session.address,
        payment_intent_id=session.intent_id,
        lease_until=None,
    )


def abandon(attempt: PaymentAttempt, trouble: StripeCallFailed) -> PaymentAttempt:
    """What an error means for an attempt: over when nothing can have been done, else as unknown as before.

    Raises ServerClockWrong and what `failures.refusal_of` gives when it is over.
    """
    if isinstance(trouble, OutcomeUnknown) and not isinstance(trouble, StripeUnreachable):
        PaymentAttempt.objects.filter(pk=attempt.pk).update(lease_until=None)
        return refreshed(attempt)
    call_failures.note_trouble(attempt, trouble)
    if isinstance(trouble, RequestRejected) and _expires_at_a_wrong_time(attempt):
        call_failures.fail(attempt, trouble, failure=AttemptFailure.SERVER_CLOCK)
        raise ServerClockWrong from trouble
    call_failures.fail(attempt, trouble)
    raise call_failures.refusal_of(trouble) from trouble


def _expires_at_a_wrong_time(attempt: PaymentAttempt) -> bool:
    """Whether Stripe had to refuse the page because our clock, by which it would expire, is wrong."""
    if attempt.way != AttemptMethod.CHECKOUT or attempt.expires_at is None:
        return False
    stripe_time = clock.now() - clock_checks.known()
    return not SHORTEST_LIFE <= attempt.expires_at - stripe_time <= LONGEST_LIFE


def wait_for_session(attempt: PaymentAttempt, deadline: Deadline) -> PaymentAttempt:
    """For whoever pressed a second time: the first press is still at it."""
    while True:
        attempt = refreshed(attempt)
        is_known = bool(attempt.checkout_url or attempt.bank_url) or not attempt.holds
        if is_known or not attempt.is_held or deadline.left() < PAUSE:
            return attempt
        time.sleep(PAUSE)


def refreshed(attempt: PaymentAttempt) -> PaymentAttempt:
    return PaymentAttempt.objects.select_related("client__practice", "account", "practice", "card").get(pk=attempt.pk)


def url_of(attempt: PaymentAttempt) -> str:
    """The absolute address of the page that tells of the attempt; Stripe and the bank lead back there."""
    return f"{settings.PUBLIC_BASE_URL}/portal/{attempt.practice.slug}/payments/{attempt.ref}/"


def _note_call(attempt: PaymentAttempt) -> bool:
    """Committed before the call. False: somebody has ended the attempt meanwhile."""
    attempt.called_at = attempt.called_at or clock.now()
    return bool(
        PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.OPEN, way=AttemptMethod.CHECKOUT).update(
            called_at=attempt.called_at, stripe_customer_id=attempt.stripe_customer_id
        )
    )
