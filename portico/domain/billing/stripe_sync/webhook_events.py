"""Stripe's events: each says only which thing to look at; the thing is fetched afresh and settled by the one path."""

from django.db.models import QuerySet

from portico.domain.billing.card_payments import checkouts, polling, saved_cards, settlement
from portico.domain.billing.card_payments import saved_card_charges as saved_charges
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import AttemptMethod, Payment, PaymentAttempt, SavedCard
from portico.domain.billing.stripe_sync import card_refunds, disputes
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import charges, checkout_sessions, customers, payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeCallFailed
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import InboundEvent


def process(event: InboundEvent) -> EventResult:
    """What the inbox calls. LATER for what is not known yet, and while nobody can be asked."""
    line = client_for(event.practice, livemode=event.livemode)
    if line is None:
        return EventResult.LATER
    try:
        match event.object_kind:
            case "checkout.session":
                return _session(event.practice, event.object_id, line)
            case "payment_intent":
                return apply_intent(event.practice, payment_intents.look_up(line, event.object_id))
            case "charge":
                return _charge(event.practice, event.object_id, line)
            case "refund":
                return _charge(event.practice, charges.refund_look_up(line, event.object_id).charge, line)
            case "dispute":
                return _charge(event.practice, charges.dispute_look_up(line, event.object_id).charge, line)
            case "payment_method" if event.kind == "payment_method.detached":
                return _detached(event.practice, event.object_id)
            case "customer" if event.kind == "customer.deleted":
                return _customer_deleted(event.practice, event.object_id, line)
    except (StripeCallFailed, StripeNotReachable):
        return EventResult.LATER
    return EventResult.IGNORED


def client_for(practice: Practice, *, livemode: bool) -> StripeClient | None:
    """By the present key where it is of that mode, else by a replaced one."""
    payments = payment_readiness.online_payments_of(practice)
    key = payments.key if payments else None
    account_id = key.account_id if key and key.livemode == livemode else ""
    return payment_readiness.read_client_for(
        practice, account_id=account_id, livemode=livemode, deadline=Deadline(WORK_SECONDS)
    )


def apply_intent(practice: Practice, intent: PaymentIntent) -> EventResult:
    """Of a payment intent that was just fetched; what Portico never made is ignored."""
    told = settlement.metadata_of(intent)
    if told is None:
        return EventResult.IGNORED
    attempt = _attempts().filter(practice=practice, ref=told.attempt).first()
    if attempt is None:
        settlement.rebuild(practice, intent, told)
        is_settled = Payment.objects.filter(practice=practice, payment_intent_id=intent.id).exists()
        return EventResult.DONE if is_settled else EventResult.LATER
    if attempt.way == AttemptMethod.SAVED_CARD:
        saved_charges.record_intent(attempt, intent)
    elif intent.is_paid:
        settlement.apply_intent(attempt, intent)
    elif attempt.holds:
        polling.poll(attempt, deadline=Deadline(WORK_SECONDS))
    return EventResult.DONE


def apply_charge(payment: Payment, line: StripeClient) -> None:
    """What became of a charge after it was paid. Raises StripeTrouble."""
    card_refunds.apply_refunds_of(payment, line)
    disputes.apply_disputes_of(payment, line)


def _session(practice: Practice, id_: str, line: StripeClient) -> EventResult:
    session = checkout_sessions.look_up(line, id_)
    attempt = _attempts().filter(practice=practice, checkout_session_id=id_).first()
    ref = session.metadata.get("portico_attempt", "")
    if attempt is None and ref:
        # Its answer was lost: here it is.
        attempt = _attempts().filter(practice=practice, ref=ref, checkout_session_id="").first()
        if attempt is not None:
            checkouts.record_session(attempt, session)
    if attempt is not None:
        settlement.apply_session(attempt, session)
        return EventResult.DONE
    if session.intent is not None:
        return apply_intent(practice, session.intent)
    return EventResult.LATER if ref else EventResult.IGNORED


def _charge(practice: Practice, id_: str, line: StripeClient) -> EventResult:
    rows = Payment.objects.select_related("client__practice", "practice", "attempt")
    payment = rows.filter(practice=practice, stripe_charge_id=id_).first()
    if payment is not None:
        apply_charge(payment, line)
        return EventResult.DONE
    # Perhaps we have not heard of the payment itself yet.
    charge = charges.look_up(line, id_)
    if not charge.intent:
        return EventResult.IGNORED
    verdict = apply_intent(practice, payment_intents.look_up(line, charge.intent))
    payment = rows.filter(practice=practice, stripe_charge_id=id_).first()
    if payment is not None:
        apply_charge(payment, line)
    return verdict


def _detached(practice: Practice, id_: str) -> EventResult:
    """Taken away at Stripe itself: it can be charged no more."""
    saved_cards.forget(SavedCard.objects.filter(practice=practice, payment_method_id=id_), by=settlement.STRIPE)
    return EventResult.DONE


def _customer_deleted(practice: Practice, id_: str, line: StripeClient) -> EventResult:
    if not customers.is_there(line, id_):
        saved_cards.forget_customer(practice, id_, by=settlement.STRIPE)
    return EventResult.DONE


def _attempts() -> QuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.select_related("client__practice", "account", "practice", "card")
