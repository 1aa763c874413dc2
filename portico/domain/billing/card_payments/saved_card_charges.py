"""Charging saved cards from our own page, while the cardholder is present."""

from datetime import timedelta

from portico.domain.billing.card_payments import (
    checkouts,
    saved_cards,
    settlement,
    stripe_call_failures,
    stripe_metadata,
)
from portico.domain.billing.card_payments.payment_refusals import CardNotFound
from portico.domain.billing.card_payments.stripe_call_failures import RejectedPart
from portico.domain.billing.models import AttemptState, PaymentAttempt, SavedCard
from portico.gateways.stripe import payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import CardDeclined, StripeCallFailed
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing import clock

# Shorter than the delay before the worker polls the attempt.
POLL_DELAY = timedelta(seconds=15)


def charge(
    attempt: PaymentAttempt, card: SavedCard, stripe: StripeClient, *, avoided: frozenset[RejectedPart]
) -> PaymentAttempt:
    """Charges the card and returns the attempt: with its outcome, with the bank's page, or Processing if unknown.

    Raises CardNotFound if Stripe no longer has the card, Superseded unless its cause is among `avoided`, and the
    refusals of `call_failures.refusal_of`. After each of them the attempt has ended and nothing was charged.
    """
    attempt.stripe_customer_id = card.customer.customer_id
    attempt.called_at = clock.now()
    called = PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.PROCESSING).update(
        stripe_customer_id=attempt.stripe_customer_id, called_at=attempt.called_at
    )
    if not called:
        return checkouts.refreshed(attempt)
    try:
        intent = create(attempt, stripe, with_description=RejectedPart.DESCRIPTION not in avoided)
    except CardDeclined as refusal:
        record_decline(attempt, refusal)
    except StripeCallFailed as error:
        if saved_cards.is_gone(card, error, stripe):
            settlement.end(attempt, AttemptState.EXPIRED, reason=error.code)
            raise CardNotFound from error
        stripe_call_failures.supersede(attempt, error, avoided=avoided)
        checkouts.abandon(attempt, error)
        if stripe.deadline.left() <= 0:
            _delay_polling(attempt)
    else:
        record_intent(attempt, intent)
    return checkouts.refreshed(attempt)


def _delay_polling(attempt: PaymentAttempt) -> None:
    """Extends the lease briefly: the payer has waited long enough, so the status page must not call Stripe at once."""
    moving = PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.PROCESSING)
    moving.update(lease_until=clock.now() + POLL_DELAY)


def create(attempt: PaymentAttempt, stripe: StripeClient, *, with_description: bool = True) -> PaymentIntent:
    """Charges the card, or returns the earlier answer to the same key. Raises StripeCallFailed or CardDeclined."""
    covers = attempt.covers.select_related("invoice").order_by("invoice_id")
    return payment_intents.charge_card(
        stripe,
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
    """Saves the payment intent's id and settles its status."""
    PaymentAttempt.objects.filter(pk=attempt.pk).update(payment_intent_id=intent.id, lease_until=None)
    settlement.apply_intent(attempt, intent)


def record_decline(attempt: PaymentAttempt, refusal: CardDeclined) -> None:
    """Ends the attempt after the bank declined the card; nothing was charged."""
    if refusal.intent is not None:
        PaymentAttempt.objects.filter(pk=attempt.pk).update(payment_intent_id=refusal.intent.id)
    stripe_call_failures.fail(attempt, refusal)
