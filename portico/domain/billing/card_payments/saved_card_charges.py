"""Charging a saved card from our own page, while its owner is there."""

from datetime import timedelta

from portico.domain.billing.card_payments import call_failures, checkouts, saved_cards, settlement, stripe_metadata
from portico.domain.billing.card_payments.call_failures import Cause
from portico.domain.billing.card_payments.payment_refusals import CardNotFound
from portico.domain.billing.models import AttemptState, PaymentAttempt, SavedCard
from portico.gateways.stripe import payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import CardDeclined, StripeCallFailed
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing import clock

# Shorter than until the worker asks.
LEFT_ALONE = timedelta(seconds=15)


def charge(
    attempt: PaymentAttempt, card: SavedCard, line: StripeClient, *, tried: frozenset[Cause] = frozenset()
) -> PaymentAttempt:
    """The attempt with its outcome, or with the bank's page; Processing while the outcome is not known.

    Raises CardGone when Stripe no longer has the card, Superseded unless its cause was `tried` already, and what
    `failures.refusal_of` gives: then the attempt is over, and nothing was charged.
    """
    attempt.stripe_customer_id = card.customer.customer_id
    attempt.called_at = clock.now()
    called = PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.PROCESSING).update(
        stripe_customer_id=attempt.stripe_customer_id, called_at=attempt.called_at
    )
    if not called:
        return checkouts.refreshed(attempt)
    try:
        intent = create(attempt, line, with_description=Cause.DESCRIPTION not in tried)
    except CardDeclined as refusal:
        record_decline(attempt, refusal)
    except StripeCallFailed as trouble:
        if saved_cards.is_gone(card, trouble, line):
            settlement.end(attempt, AttemptState.EXPIRED, reason=trouble.code)
            raise CardNotFound from trouble
        call_failures.supersede(attempt, trouble, tried=tried)
        checkouts.abandon(attempt, trouble)
        if line.deadline.left() <= 0:
            _leave_alone(attempt)
    else:
        record_intent(attempt, intent)
    return checkouts.refreshed(attempt)


def _leave_alone(attempt: PaymentAttempt) -> None:
    """Its payer has waited for Stripe long enough: the page that follows tells what is known, and asks later."""
    moving = PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.PROCESSING)
    moving.update(lease_until=clock.now() + LEFT_ALONE)


def create(attempt: PaymentAttempt, line: StripeClient, *, with_description: bool = True) -> PaymentIntent:
    """Charges, or gets the answer that the same key had before. Raises StripeTrouble, CardRefused among it."""
    covers = attempt.covers.select_related("invoice").order_by("invoice_id")
    return payment_intents.charge_card(
        line,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        name=stripe_metadata.name_of(cover.invoice for cover in covers),
        customer=attempt.stripe_customer_id,
        card=attempt.card.payment_method_id if attempt.card else "",
        return_url=checkouts.url_of(attempt),
        metadata=attempt.metadata,
        with_description=with_description,
        key=attempt.idempotency_key,
    )


def record_intent(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Notes the intent and settles what it says."""
    PaymentAttempt.objects.filter(pk=attempt.pk).update(payment_intent_id=intent.id, lease_until=None)
    settlement.apply_intent(attempt, intent)


def record_decline(attempt: PaymentAttempt, refusal: CardDeclined) -> None:
    """The bank said no: nothing was charged."""
    if refusal.intent is not None:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(payment_intent_id=refusal.intent.id)
    call_failures.fail(attempt, refusal)
