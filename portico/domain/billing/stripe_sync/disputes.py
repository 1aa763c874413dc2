"""Disputed charges. When a dispute is lost, the payment is reversed and the debt is back, without a credit note."""

import logging

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries
from portico.domain.billing.card_payments.settlement import STRIPE
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Dispute, DisputeState, Payment
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import charges, objects
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock
from portico.plumbing.database.deadlocks import retry_on_deadlock

logger = logging.getLogger(__name__)

BATCH_SIZE = 20


@retry_on_deadlock
def apply_dispute(payment: Payment, found: objects.StripeDispute) -> None:
    """Settles the state of a dispute at Stripe. Idempotent: it is opened once and closed once."""
    with locks.lock_books(payment.client) as client:
        dispute, is_new = Dispute.objects.get_or_create(
            practice=client.practice,
            stripe_dispute_id=found.id,
            defaults={
                "payment": payment,
                "amount_minor": found.amount_minor,
                "currency": found.currency,
                "reason": found.reason[:60],
                "opened_at": found.created_at,
            },
        )
        if is_new:
            _record(AuditAction.DISPUTE_OPENED, payment, dispute, reason=dispute.reason)
        if dispute.state != DisputeState.OPEN or not found.is_over:
            return
        dispute.closed_at = clock.now()
        if found.is_lost:
            dispute.state = DisputeState.LOST
            allocation.reverse_for_dispute(dispute)
            _record(AuditAction.DISPUTE_LOST, payment, dispute)
            return
        dispute.state = DisputeState.WON
        dispute.save(update_fields=["state", "closed_at"])
        _record(AuditAction.DISPUTE_WON, payment, dispute)


def apply_disputes_of(payment: Payment, stripe: StripeClient) -> None:
    """Settles every dispute of a charge. Raises StripeCallFailed."""
    for found in reversed(charges.disputes(stripe, payment.stripe_charge_id)):
        _apply(payment, found)


def is_settled(practice: Practice, found: objects.StripeDispute) -> bool:
    """Returns True if the books already agree with Stripe about the dispute."""
    rows = Dispute.objects.filter(practice=practice, stripe_dispute_id=found.id)
    state = rows.values_list("state", flat=True).first()
    return state is not None and (state != DisputeState.OPEN) == found.is_over


def poll_open() -> int:
    """Polls open disputes; a scheduled task. Returns their number."""
    rows = Dispute.objects.filter(state=DisputeState.OPEN).order_by("id")
    rows = rows.select_related("payment__client__practice", "payment__practice", "payment__attempt")[:BATCH_SIZE]
    for dispute in rows:
        stripe = payment_readiness.read_client_of(dispute.payment, deadline=Deadline(WORK_SECONDS))
        if stripe is None:
            continue
        try:
            _apply(dispute.payment, charges.dispute_look_up(stripe, dispute.stripe_dispute_id))
        except StripeCallFailed as error:
            logger.info("dispute.still_unknown", extra={"dispute": dispute.pk, "error": type(error).__name__})
    return len(rows)


def _apply(payment: Payment, found: objects.StripeDispute) -> None:
    if found.is_lost:
        card_refunds.end_unanswered(payment)
    apply_dispute(payment, found)


def _record(action: AuditAction, payment: Payment, dispute: Dispute, **details: str) -> None:
    audit_entries.record_amount(action, payment.client, payment.ref, dispute.amount_minor, by=STRIPE, **details)
