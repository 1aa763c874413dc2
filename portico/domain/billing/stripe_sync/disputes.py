"""Charges that their cards' owners dispute. Lost, the money is gone and the debt is back, without a credit note."""

import logging

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import settlement
from portico.domain.billing.card_payments.settlement import STRIPE
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Dispute, DisputeState, Payment
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.practices.models import Practice
from portico.gateways.stripe import charges, objects
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock
from portico.plumbing.database.deadlocks import retry_on_deadlock

logger = logging.getLogger(__name__)

BATCH_SIZE = 20


@retry_on_deadlock
def apply_dispute(payment: Payment, found: objects.Dispute) -> None:
    """Settles what Stripe says of a dispute: opened once, ended once, however often it is told."""
    with locks.lock_books(payment.client) as held:
        dispute, is_new = Dispute.objects.get_or_create(
            practice=held.practice,
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
            _note(AuditAction.DISPUTE_OPENED, payment, dispute, reason=dispute.reason)
        if dispute.state != DisputeState.OPEN or not found.is_over:
            return
        dispute.closed_at = clock.now()
        if found.is_lost:
            dispute.state = DisputeState.LOST
            allocation.reverse_for_dispute(dispute)
            _note(AuditAction.DISPUTE_LOST, payment, dispute)
            return
        dispute.state = DisputeState.WON
        dispute.save(update_fields=["state", "closed_at"])
        _note(AuditAction.DISPUTE_WON, payment, dispute)


def apply_disputes_of(payment: Payment, line: StripeClient) -> None:
    """Every dispute of a charge as Stripe has it now. Raises StripeTrouble."""
    for found in reversed(charges.disputes(line, payment.stripe_charge_id)):
        _seen(payment, found)


def is_settled(practice: Practice, found: objects.Dispute) -> bool:
    """Whether the books have it as Stripe has it: nothing is left to be done about it."""
    rows = Dispute.objects.filter(practice=practice, stripe_dispute_id=found.id)
    state = rows.values_list("state", flat=True).first()
    return state is not None and (state != DisputeState.OPEN) == found.is_over


def poll_open() -> int:
    """Asks how open disputes stand; upkeep calls it. Returns how many."""
    rows = Dispute.objects.filter(state=DisputeState.OPEN).order_by("id")
    rows = rows.select_related("payment__client__practice", "payment__practice", "payment__attempt")[:BATCH_SIZE]
    for dispute in rows:
        line = card_refunds.client_for(dispute.payment, deadline=Deadline(WORK_SECONDS))
        if line is None:
            continue
        try:
            _seen(dispute.payment, charges.dispute_look_up(line, dispute.stripe_dispute_id))
        except StripeCallFailed as trouble:
            logger.info("dispute.not_known_yet", extra={"dispute": dispute.pk, "trouble": type(trouble).__name__})
    return len(rows)


def _seen(payment: Payment, found: objects.Dispute) -> None:
    if found.is_lost:
        card_refunds.end_unanswered(payment)
    apply_dispute(payment, found)


def _note(verb: AuditAction, payment: Payment, dispute: Dispute, **details: str) -> None:
    settlement.record(verb, payment.client, payment.ref, dispute.amount_minor, by=STRIPE, **details)
