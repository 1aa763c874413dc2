"""Refunds to cards: sent from the office, or made at Stripe and recorded here.

A refund counts in the books from the moment it is requested, and is undone if it fails.
"""

import logging
from datetime import timedelta

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, bill_mails
from portico.domain.billing.card_payments import quotes, stripe_metadata
from portico.domain.billing.card_payments.payment_refusals import RefundBetweenSteps, RefundRefused, StripeNotReachable
from portico.domain.billing.card_payments.settlement import STRIPE
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Payment, Refund, RefundMethod, RefundState
from portico.domain.billing.payments import refunds
from portico.domain.billing.payments.refunds import RefundInput
from portico.domain.billing.refusals import RecordedByHand
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import charges, currencies, objects
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import OutcomeUnknown, ResourceMissing, StripeCallFailed, StripeUnreachable
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock

logger = logging.getLogger(__name__)

# Stripe keeps an idempotency key for 24 hours. A little earlier we stop repeating the call and only search.
IDEMPOTENCY_KEY_LIFETIME = timedelta(hours=23)
BATCH_SIZE = 20


def send(
    payment: Payment,
    *,
    amount_minor: int,
    reason: str,
    shown: ShownSums | None,
    by: Actor,
    note: str = "",
    form_key: str = "",
) -> Refund:
    """Refunds an amount to the card. Without an answer the refund stays pending, and the worker polls it.

    A form that is submitted twice makes one refund. Raises FormSentBefore, RecordedByHand, RefundBetweenSteps,
    ShownSumsChanged, StripeNotReachable, RefundRefused, and what `refunds.create_from_form` raises.
    """
    _refuse_between_steps(payment, amount_minor)
    stripe = payment_readiness.read_client_of(payment)
    if stripe is None:
        raise StripeNotReachable
    entry = RefundInput(payment.pk, amount_minor, reason.strip(), note.strip())
    refund, is_new = _create_pending(payment, entry, form_key=form_key, shown=shown, by=by)
    if not is_new:
        if refund.state == RefundState.FAILED:
            raise RefundRefused
        return refund
    try:
        apply_refund(refund, _call(refund, payment, stripe))
    except StripeCallFailed as error:
        if isinstance(error, OutcomeUnknown) and not isinstance(error, StripeUnreachable):
            return refund
        _record_failure(refund, error)
        raise (StripeNotReachable if isinstance(error, StripeUnreachable) else RefundRefused) from error
    refund.refresh_from_db()
    return refund


@retry_on_deadlock
def apply_refund(refund: Refund, found: objects.StripeRefund) -> None:
    """Settles the state of a refund at Stripe. Idempotent; a failed refund stays failed."""
    with locks.lock_books(refund.payment.client) as client:
        row = Refund.objects.locked().select_related("payment__client__practice").get(pk=refund.pk)
        if not row.stripe_refund_id:
            row.stripe_refund_id = found.id
            row.save(update_fields=["stripe_refund_id"])
        if row.state == RefundState.FAILED:
            return
        if found.has_failed:
            allocation.undo_refund(row, failure=found.status, by=STRIPE)
            audit_entries.record_amount(AuditAction.REFUND_FAILED, client, row.payment.ref, row.amount_minor, by=STRIPE)
        elif found.status == "succeeded" and row.state == RefundState.PENDING:
            row.state, row.settled_at = RefundState.SUCCEEDED, clock.now()
            row.save(update_fields=["state", "settled_at"])
            bill_mails.send_refund(row, by=STRIPE)


def apply_refunds_of(payment: Payment, stripe: StripeClient) -> None:
    """Settles every refund of a charge, including those made at Stripe. Raises StripeCallFailed."""
    at_stripe = charges.refunds(stripe, payment.stripe_charge_id)
    if any(_find_known(payment, found) is None for found in at_stripe):
        end_unanswered(payment)
    for found in reversed(at_stripe):
        refund = _find_known(payment, found) or _record_found(payment, found)
        if refund is not None:
            apply_refund(refund, found)


def is_settled(practice: Practice, found: objects.StripeRefund) -> bool:
    """Returns True if the books already agree with Stripe about the refund."""
    state = Refund.objects.filter(practice=practice, stripe_refund_id=found.id).values_list("state", flat=True).first()
    if found.has_failed:
        return state in {None, RefundState.FAILED}
    return state == (RefundState.SUCCEEDED if found.status == "succeeded" else RefundState.PENDING)


def end_unanswered(payment: Payment) -> None:
    """Resolves refunds that got no answer, before refunds or disputes found at Stripe are counted.

    Unanswered refunds count in the books, although Stripe may never have received them. Raises StripeCallFailed.
    """
    for unanswered in _unanswered(payment):
        _poll(unanswered)


def poll_pending() -> int:
    """Polls refunds whose outcome is unknown; a scheduled task. Returns their number."""
    pending = Refund.objects.filter(state=RefundState.PENDING, method=RefundMethod.STRIPE)
    rows = list(
        pending.select_related("payment__client__practice", "payment__practice", "payment__attempt")[:BATCH_SIZE]
    )
    for refund in rows:
        try:
            _poll(refund)
        except StripeCallFailed as error:
            logger.info("refund.still_unknown", extra={"refund": refund.pk, "error": type(error).__name__})
    return len(rows)


def _refuse_between_steps(payment: Payment, amount_minor: int) -> None:
    if payment.is_online and amount_minor % currencies.step_minor(payment.currency):
        raise RefundBetweenSteps(quotes.step_of(payment.currency))


@retry_on_deadlock
def _create_pending(
    payment: Payment, entry: RefundInput, *, form_key: str, shown: ShownSums | None, by: Actor
) -> tuple[Refund, bool]:
    with locks.lock_books(payment.client) as client:
        if not payment.is_online:
            raise RecordedByHand
        refund, is_new = refunds.create_from_form(
            client,
            entry,
            RefundMethod.STRIPE,
            form_key=form_key,
            shown=shown,
            by=by,
            idempotency_key=tokens.new_token(),
        )
        if is_new:
            audit_entries.record_amount(
                AuditAction.REFUND_SENT, client, payment.ref, refund.amount_minor, by=by, reason=refund.reason
            )
    return refund, is_new


def _call(refund: Refund, payment: Payment, stripe: StripeClient) -> objects.StripeRefund:
    return charges.refund(
        stripe,
        payment.stripe_charge_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        metadata={stripe_metadata.REFUND: refund.ref},
        key=refund.idempotency_key,
    )


def _poll(refund: Refund) -> None:
    payment = refund.payment
    stripe = payment_readiness.read_client_of(payment, deadline=Deadline(WORK_SECONDS))
    if stripe is None:
        return
    if refund.stripe_refund_id:
        apply_refund(refund, charges.refund_look_up(stripe, refund.stripe_refund_id))
        return
    try:
        _find_or_repeat(refund, payment, stripe)
    except ResourceMissing:
        # Without a charge there can be no refund. A payment without an attempt may belong to another Stripe account.
        if payment.attempt is None:
            raise
        _undo(refund, "charge_missing")


def _find_or_repeat(refund: Refund, payment: Payment, stripe: StripeClient) -> None:
    """Finds a refund that got no answer, or repeats the call where that is safe. Raises StripeCallFailed."""
    # Disputes before refunds: a refund made before a dispute is then sure to be in the list fetched afterwards.
    is_disputed = any(not each.is_over or each.is_lost for each in charges.disputes(stripe, payment.stripe_charge_id))
    at_stripe = charges.refunds(stripe, payment.stripe_charge_id)
    for found in at_stripe:
        if found.metadata.get(stripe_metadata.REFUND) == refund.ref:
            apply_refund(refund, found)
            return
    refunded_minor = sum(found.amount_minor for found in at_stripe if not found.has_failed)
    is_possible = not is_disputed and refunded_minor + refund.amount_minor <= payment.amount_minor
    if not is_possible or clock.now() - refund.created_at > IDEMPOTENCY_KEY_LIFETIME:
        # It is not at Stripe, and it would be rejected now or its idempotency key has expired.
        _undo(refund, "never_arrived")
        return
    try:
        apply_refund(refund, _call(refund, payment, stripe))
    except OutcomeUnknown:
        raise
    except StripeCallFailed as error:
        _record_failure(refund, error)


def _record_failure(refund: Refund, error: StripeCallFailed) -> None:
    """Undoes a refund that Stripe rejected."""
    details = error.details
    logger.warning("refund.refused", extra={"refund": refund.pk, **details})
    _undo(refund, details.pop("code") or details["failure"], **details)


@retry_on_deadlock
def _undo(refund: Refund, reason: str, **details: str) -> None:
    with locks.lock_books(refund.payment.client) as client:
        allocation.undo_refund(refund, failure=reason, by=STRIPE)
        audit_entries.record_amount(
            AuditAction.REFUND_FAILED,
            client,
            refund.payment.ref,
            refund.amount_minor,
            by=STRIPE,
            reason=reason,
            **details,
        )


def _unanswered(payment: Payment) -> list[Refund]:
    rows = Refund.objects.filter(
        payment=payment, state=RefundState.PENDING, method=RefundMethod.STRIPE, stripe_refund_id=""
    )
    return list(rows.select_related("payment__client__practice", "payment__practice", "payment__attempt"))


def _find_known(payment: Payment, found: objects.StripeRefund) -> Refund | None:
    rows = Refund.objects.filter(payment=payment).select_related("payment__client__practice")
    ref = found.metadata.get(stripe_metadata.REFUND, "")
    return rows.filter(stripe_refund_id=found.id).first() or (rows.filter(ref=ref).first() if ref else None)


@retry_on_deadlock
def _record_found(payment: Payment, found: objects.StripeRefund) -> Refund | None:
    """Records a refund made in Stripe's dashboard; returns None if it has failed or nothing is left to refund."""
    if found.has_failed:
        return None
    with locks.lock_books(payment.client) as client:
        if (earlier := _find_known(payment, found)) is not None:
            return earlier
        row = Payment.objects.locked().get(pk=payment.pk)
        row.client = client
        amount = min(found.amount_minor, row.left_minor)
        if amount <= 0:
            return None
        refund = refunds.create_refund(
            row, amount_minor=amount, method=RefundMethod.STRIPE, reason=_("Refunded in Stripe"), by=STRIPE
        )
        refund.stripe_refund_id = found.id
        refund.save(update_fields=["stripe_refund_id"])
        audit_entries.record_amount(AuditAction.REFUND_FOUND, client, row.ref, amount, by=STRIPE)
    return refund
