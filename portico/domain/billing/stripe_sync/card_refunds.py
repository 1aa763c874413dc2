"""Money that goes back to a card, by the charge's id: sent from the office, or found at Stripe.

Counted in the books from the moment it is asked for; undone if it fails.
"""

import logging
from datetime import timedelta

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.card_payments import quotes, settlement, stripe_metadata
from portico.domain.billing.card_payments.payment_refusals import RefundBetweenSteps, RefundRefused, StripeNotReachable
from portico.domain.billing.card_payments.settlement import STRIPE
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Invoice, Payment, Refund, RefundMethod, RefundState
from portico.domain.billing.payments import receipts, refunds
from portico.domain.billing.refusals import RecordedByHand
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import charges, currencies, objects
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import OutcomeUnknown, ResourceMissing, StripeCallFailed, StripeUnreachable
from portico.plumbing import clock, form_keys, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock

logger = logging.getLogger(__name__)

# A call is repeated with its key so long; from then on it is only looked for.
KEY_LASTS = timedelta(hours=23)
BATCH_SIZE = 20


def send(
    payment: Payment,
    *,
    amount_minor: int,
    reason: str,
    shown: ShownSums | None,
    by: Actor,
    note: str = "",
    invoice: Invoice | None = None,
    form_key: str = "",
    deadline: Deadline | None = None,
) -> Refund:
    """Sends money back to the card. Without an answer it stays pending, and the worker finds out.

    Pressed twice it is one. Raises FormSentBefore, RecordedByHand, RefundBetweenSteps, ShownSumsChanged,
    StripeNotReached, RefundRefused, and what `open_refund` does.
    """
    _refuse_between_steps(payment, amount_minor)
    line = client_for(payment, deadline=deadline)
    if line is None:
        raise StripeNotReachable
    refund, is_new = _open(
        payment,
        amount_minor=amount_minor,
        reason=reason,
        note=note,
        invoice=invoice,
        form_key=form_key,
        shown=shown,
        by=by,
    )
    if not is_new:
        if refund.state == RefundState.FAILED:
            raise RefundRefused
        return refund
    try:
        apply_refund(refund, _call(refund, payment, line))
    except StripeCallFailed as trouble:
        if isinstance(trouble, OutcomeUnknown) and not isinstance(trouble, StripeUnreachable):
            return refund
        _fail(refund, trouble)
        raise (StripeNotReachable if isinstance(trouble, StripeUnreachable) else RefundRefused) from trouble
    refund.refresh_from_db()
    return refund


@retry_on_deadlock
def apply_refund(refund: Refund, found: objects.Refund) -> None:
    """Settles what Stripe says of a refund. Safe to repeat; what failed stays failed."""
    with locks.lock_books(refund.payment.client) as held:
        row = Refund.objects.locked().select_related("payment__client__practice").get(pk=refund.pk)
        if not row.stripe_refund_id:
            row.stripe_refund_id = found.id
            row.save(update_fields=["stripe_refund_id"])
        if row.state == RefundState.FAILED:
            return
        if found.has_failed:
            allocation.undo_refund(row, failure=found.status, by=STRIPE)
            settlement.record(AuditAction.REFUND_FAILED, held, row.payment.ref, row.amount_minor, by=STRIPE)
        elif found.status == "succeeded" and row.state == RefundState.PENDING:
            row.state, row.settled_at = RefundState.SUCCEEDED, clock.now()
            row.save(update_fields=["state", "settled_at"])
            receipts.send_refund(row, by=STRIPE)


def apply_refunds_of(payment: Payment, line: StripeClient) -> None:
    """Every refund of a charge as Stripe has it now, whoever made it. Raises StripeTrouble."""
    there = charges.refunds(line, payment.stripe_charge_id)
    if any(_known(payment, found) is None for found in there):
        end_unanswered(payment)
    for found in reversed(there):
        refund = _known(payment, found) or _found_at_stripe(payment, found)
        if refund is not None:
            apply_refund(refund, found)


def is_settled(practice: Practice, found: objects.Refund) -> bool:
    """Whether the books have it as Stripe has it: nothing is left to be done about it."""
    state = Refund.objects.filter(practice=practice, stripe_refund_id=found.id).values_list("state", flat=True).first()
    if found.has_failed:
        return state in {None, RefundState.FAILED}
    return state == (RefundState.SUCCEEDED if found.status == "succeeded" else RefundState.PENDING)


def end_unanswered(payment: Payment) -> None:
    """Asks about refunds that got no answer, before anything that Stripe has done for certain is counted.

    They count already, though Stripe may never have taken them in. Raises StripeTrouble.
    """
    for unanswered in _unanswered(payment):
        _follow(unanswered)


def poll_pending() -> int:
    """Asks what became of refunds whose outcome is not known; upkeep calls it. Returns how many."""
    pending = Refund.objects.filter(state=RefundState.PENDING, way=RefundMethod.STRIPE)
    rows = list(
        pending.select_related("payment__client__practice", "payment__practice", "payment__attempt")[:BATCH_SIZE]
    )
    for refund in rows:
        try:
            _follow(refund)
        except StripeCallFailed as trouble:
            logger.info("refund.not_known_yet", extra={"refund": refund.pk, "trouble": type(trouble).__name__})
    return len(rows)


def client_for(payment: Payment, *, deadline: Deadline | None = None) -> StripeClient | None:
    """By the key of the account that took the money, also a replaced one."""
    account_id = payment.attempt.stripe_account_id if payment.attempt else ""
    return payment_readiness.read_client_for(
        payment.practice, account_id=account_id, livemode=payment.livemode, deadline=deadline
    )


def _refuse_between_steps(payment: Payment, amount_minor: int) -> None:
    if payment.is_online and amount_minor % currencies.step_minor(payment.currency):
        raise RefundBetweenSteps(quotes.step_of(payment.currency))


@retry_on_deadlock
def _open(
    payment: Payment,
    *,
    amount_minor: int,
    reason: str,
    note: str,
    invoice: Invoice | None,
    form_key: str,
    shown: ShownSums | None,
    by: Actor,
) -> tuple[Refund, bool]:
    with locks.lock_books(payment.client) as held:
        asked = refunds.RefundInput(
            payment.pk, amount_minor, reason.strip(), note.strip(), invoice.pk if invoice else None
        )
        earlier = refunds.find_result(held, form_key, asked)
        if earlier is not None:
            return earlier, False
        row = Payment.objects.locked().with_disputes().get(pk=payment.pk)
        row.client = held
        if not row.is_online:
            raise RecordedByHand
        shown_sums.refuse_if_changed(shown, shown_sums.of_refund(row))
        refund = refunds.create_refund(
            row,
            amount_minor=amount_minor,
            method=RefundMethod.STRIPE,
            reason=reason,
            note=note,
            invoice=invoice,
            form_key=form_key,
            by=by,
            idempotency_key=tokens.new_token(),
        )
        form_keys.store(refund, form_key, asked, kind="refund")
        settlement.record(AuditAction.REFUND_SENT, held, row.ref, amount_minor, by=by, reason=refund.reason)
    return refund, True


def _call(refund: Refund, payment: Payment, line: StripeClient) -> objects.Refund:
    return charges.refund(
        line,
        payment.stripe_charge_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        metadata={stripe_metadata.REFUND: refund.ref},
        key=refund.idempotency_key,
    )


def _follow(refund: Refund) -> None:
    payment = refund.payment
    line = client_for(payment, deadline=Deadline(WORK_SECONDS))
    if line is None:
        return
    if refund.stripe_refund_id:
        apply_refund(refund, charges.refund_look_up(line, refund.stripe_refund_id))
        return
    try:
        _find(refund, payment, line)
    except ResourceMissing:
        # The charge itself is gone, so nothing can have been sent back. Without an attempt it may be another account's.
        if payment.attempt is None:
            raise
        _undo(refund, "charge_missing")


def _find(refund: Refund, payment: Payment, line: StripeClient) -> None:
    """Looks for a refund that got no answer, and asks for it once more where that is safe. Raises StripeTrouble."""
    # Disputes before refunds: what Stripe took in before a dispute is in the list that comes after it.
    is_disputed = any(not each.is_over or each.is_lost for each in charges.disputes(line, payment.stripe_charge_id))
    there = charges.refunds(line, payment.stripe_charge_id)
    for found in there:
        if found.metadata.get(stripe_metadata.REFUND) == refund.ref:
            apply_refund(refund, found)
            return
    gone = sum(found.amount_minor for found in there if not found.has_failed)
    is_possible = not is_disputed and gone + refund.amount_minor <= payment.amount_minor
    if not is_possible or clock.now() - refund.created_at > KEY_LASTS:
        # It is not there; and Stripe would not take it any more, or nobody will call with that key again.
        _undo(refund, "never_arrived")
        return
    try:
        apply_refund(refund, _call(refund, payment, line))
    except OutcomeUnknown:
        raise
    except StripeCallFailed as trouble:
        _fail(refund, trouble)


def _fail(refund: Refund, trouble: StripeCallFailed) -> None:
    """Stripe did not take it."""
    details = trouble.details
    logger.warning("refund.refused", extra={"refund": refund.pk, **details})
    _undo(refund, details.pop("code") or details["failure"], **details)


@retry_on_deadlock
def _undo(refund: Refund, why: str, **details: str) -> None:
    with locks.lock_books(refund.payment.client) as held:
        allocation.undo_refund(refund, failure=why, by=STRIPE)
        settlement.record(
            AuditAction.REFUND_FAILED, held, refund.payment.ref, refund.amount_minor, by=STRIPE, reason=why, **details
        )


def _unanswered(payment: Payment) -> list[Refund]:
    rows = Refund.objects.filter(
        payment=payment, state=RefundState.PENDING, way=RefundMethod.STRIPE, stripe_refund_id=""
    )
    return list(rows.select_related("payment__client__practice", "payment__practice", "payment__attempt"))


def _known(payment: Payment, found: objects.Refund) -> Refund | None:
    rows = Refund.objects.filter(payment=payment).select_related("payment__client__practice")
    ref = found.metadata.get(stripe_metadata.REFUND, "")
    return rows.filter(stripe_refund_id=found.id).first() or (rows.filter(ref=ref).first() if ref else None)


@retry_on_deadlock
def _found_at_stripe(payment: Payment, found: objects.Refund) -> Refund | None:
    """A refund made in Stripe's dashboard; None for one that had failed before we heard of it."""
    if found.has_failed:
        return None
    with locks.lock_books(payment.client) as held:
        if (earlier := _known(payment, found)) is not None:
            return earlier
        row = Payment.objects.locked().get(pk=payment.pk)
        row.client = held
        amount = min(found.amount_minor, row.left_minor)
        if amount <= 0:
            return None
        refund = refunds.create_refund(
            row, amount_minor=amount, method=RefundMethod.STRIPE, reason=_("Refunded at Stripe"), by=STRIPE
        )
        refund.stripe_refund_id = found.id
        refund.save(update_fields=["stripe_refund_id"])
        settlement.record(AuditAction.REFUND_FOUND, held, row.ref, amount, by=STRIPE)
    return refund
