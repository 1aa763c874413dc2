"""Stripe's webhook events: verified and stored, then processed: the object of an event is fetched and settled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.models import QuerySet

from portico.domain.billing.card_payments import checkouts, polling, saved_cards, settlement
from portico.domain.billing.card_payments import saved_card_charges as saved_charges
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import AttemptMethod, Payment, PaymentAttempt, SavedCard
from portico.domain.billing.stripe_sync import card_refunds, disputes
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
from portico.domain.practices.stripe_setup import payment_readiness, webhook_setup
from portico.gateways.stripe import charges, checkout_sessions, customers, payment_intents, webhook_payloads
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeCallFailed
from portico.gateways.stripe.objects import PaymentIntent
from portico.gateways.stripe.webhook_payloads import SignatureInvalid
from portico.plumbing import clock, inbound_events
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import InboundEvent
from portico.plumbing.security.encryption import DecryptionFailed


def find_by_slug(slug: str) -> OnlinePayments | None:
    """Returns the row of the practice with that slug, if a webhook secret is saved."""
    return _by_slug.first(slug=slug)


@CompiledQuery
def _by_slug(slug: Parameter) -> QuerySet[OnlinePayments]:
    found = OnlinePayments.objects.select_related("practice", "key").filter(practice__slug=slug)
    return found.filter(encrypted_webhook_secret__isnull=False)


def receive(payments: OnlinePayments, body: bytes, signature: str) -> None:
    """Verifies an event and stores it, once. An event of the other mode is stored and not processed.

    Raises webhooks.SignatureInvalid and webhooks.PayloadInvalid.
    """
    try:
        secret = payments.webhook_secret()
    except DecryptionFailed as lost:
        raise SignatureInvalid("The secret can no longer be read.") from lost
    event = webhook_payloads.read(body, signature, secret=secret, now=clock.now())
    inbound_events.store(
        payments.practice,
        source=webhook_setup.SOURCE,
        event_id=event.id[:255],
        kind=event.type[:100],
        object_kind=event.object_kind[:100],
        object_id=event.object_id[:255],
        livemode=event.livemode,
        happened_at=event.created_at,
        is_for_us=_is_ours(payments, livemode=event.livemode),
    )


@contextmanager
def open_batch() -> Iterator[Callable[[InboundEvent], EventResult]]:
    """Yields the function that processes an event; the events of a practice and mode share a connection to Stripe."""
    clients: dict[tuple[int, bool], StripeClient | None] = {}

    def process(event: InboundEvent) -> EventResult:
        key = (event.practice_id, event.livemode)
        if key not in clients:
            clients[key] = payment_readiness.read_client_for_mode(event.practice, livemode=event.livemode)
        stripe = clients[key]
        if stripe is None:
            return EventResult.LATER
        stripe.extend(Deadline(WORK_SECONDS))
        return _process(event, stripe)

    try:
        yield process
    finally:
        for client in clients.values():
            if client is not None:
                client.close()


def _process(event: InboundEvent, stripe: StripeClient) -> EventResult:
    """Processes a stored event. Returns LATER if its object is not known yet or Stripe cannot be called."""
    try:
        match event.object_kind:
            case "checkout.session":
                return _apply_session_event(event.practice, event.object_id, stripe)
            case "payment_intent":
                return apply_intent(event.practice, payment_intents.look_up(stripe, event.object_id))
            case "charge":
                return _apply_charge_event(event.practice, event.object_id, stripe)
            case "refund":
                return _apply_charge_event(
                    event.practice, charges.refund_look_up(stripe, event.object_id).charge, stripe
                )
            case "dispute":
                return _apply_charge_event(
                    event.practice, charges.dispute_look_up(stripe, event.object_id).charge, stripe
                )
            case "payment_method" if event.kind == "payment_method.detached":
                return _apply_card_detached(event.practice, event.object_id)
            case "customer" if event.kind == "customer.deleted":
                return _apply_customer_deleted(event.practice, event.object_id, stripe)
    except (StripeCallFailed, StripeNotReachable):
        return EventResult.LATER
    return EventResult.IGNORED


def apply_intent(practice: Practice, intent: PaymentIntent) -> EventResult:
    """Settles a payment intent that was just fetched; ignores one that Portico did not create."""
    metadata = settlement.metadata_of(intent)
    if metadata is None:
        return EventResult.IGNORED
    attempt = _attempt_by_ref.first(practice=practice.pk, ref=metadata.attempt)
    if attempt is None:
        settlement.rebuild(practice, intent, metadata)
        is_settled = Payment.objects.filter(practice=practice, payment_intent_id=intent.id).exists()
        return EventResult.DONE if is_settled else EventResult.LATER
    if attempt.method == AttemptMethod.SAVED_CARD:
        saved_charges.record_intent(attempt, intent)
    elif intent.is_paid:
        settlement.apply_intent(attempt, intent)
    elif attempt.holds_invoices:
        polling.poll(attempt, deadline=Deadline(WORK_SECONDS))
    return EventResult.DONE


def apply_charge(payment: Payment, stripe: StripeClient) -> None:
    """Settles the refunds and disputes of a charge. Raises StripeCallFailed."""
    card_refunds.apply_refunds_of(payment, stripe)
    disputes.apply_disputes_of(payment, stripe)


def _is_ours(payments: OnlinePayments, *, livemode: bool) -> bool:
    """Returns True for events of the key's mode; without a current key, for those of any earlier key's mode.

    Payments that were open when the key was removed can then still be settled.
    """
    if payments.key is not None:
        return payments.key.livemode == livemode
    return StripeKey.objects.filter(practice=payments.practice, livemode=livemode).exists()


def _apply_session_event(practice: Practice, id_: str, stripe: StripeClient) -> EventResult:
    session = checkout_sessions.look_up(stripe, id_)
    attempt = _attempt_of_session.first(practice=practice.pk, session=id_)
    ref = session.metadata.get("portico_attempt", "")
    if attempt is None and ref:
        # The answer to the call that created the session was lost, so its id is not saved yet.
        attempt = (
            PaymentAttempt.objects.with_relations().filter(practice=practice, ref=ref, checkout_session_id="").first()
        )
        if attempt is not None:
            checkouts.record_session(attempt, session)
    if attempt is not None:
        settlement.apply_session(attempt, session)
        return EventResult.DONE
    if session.intent is not None:
        return apply_intent(practice, session.intent)
    return EventResult.LATER if ref else EventResult.IGNORED


@CompiledQuery
def _attempt_by_ref(practice: Parameter, ref: Parameter) -> QuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.with_relations().filter(practice=practice, ref=ref)


@CompiledQuery
def _attempt_of_session(practice: Parameter, session: Parameter) -> QuerySet[PaymentAttempt]:
    attempts = PaymentAttempt.objects.with_relations().exclude(checkout_session_id="")
    return attempts.filter(practice=practice, checkout_session_id=session)


def _apply_charge_event(practice: Practice, id_: str, stripe: StripeClient) -> EventResult:
    rows = Payment.objects.select_related("client__practice", "practice", "attempt")
    payment = rows.filter(practice=practice, stripe_charge_id=id_).first()
    if payment is not None:
        apply_charge(payment, stripe)
        return EventResult.DONE
    # The payment itself may not be recorded yet.
    charge = charges.look_up(stripe, id_)
    if not charge.intent:
        return EventResult.IGNORED
    result = apply_intent(practice, payment_intents.look_up(stripe, charge.intent))
    payment = rows.filter(practice=practice, stripe_charge_id=id_).first()
    if payment is not None:
        apply_charge(payment, stripe)
    return result


def _apply_card_detached(practice: Practice, id_: str) -> EventResult:
    """Marks a card that was detached at Stripe as removed: it can no longer be charged."""
    saved_cards.mark_removed(SavedCard.objects.filter(practice=practice, payment_method_id=id_), by=settlement.STRIPE)
    return EventResult.DONE


def _apply_customer_deleted(practice: Practice, id_: str, stripe: StripeClient) -> EventResult:
    if not customers.is_there(stripe, id_):
        saved_cards.mark_customer_deleted(practice, id_, by=settlement.STRIPE)
    return EventResult.DONE
