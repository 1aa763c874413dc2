"""Refunds: creating them, and recording the ones that were paid back by hand."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Payment, Refund, RefundMethod, RefundState
from portico.domain.billing.refusals import (
    AmountNotPositive,
    ChargedOnline,
    ExceedsRefundableAmount,
    ReasonMissing,
    TakenBack,
)
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import money


@dataclass(frozen=True)
class RefundInput:
    """The input of a refund form: the payment by its id, the amount in minor units."""

    payment: int
    amount_minor: int
    reason: str
    note: str


@retry_on_deadlock
def record_manual_refund(
    payment: Payment,
    *,
    amount_minor: int,
    reason: str,
    shown: ShownSums | None,
    by: Actor,
    note: str = "",
    form_key: str = "",
) -> Refund:
    """Records a refund that was paid back by hand. The invoice stays Paid and nothing is owed on it again.

    Raises ChargedOnline and what `create_from_form` raises.
    """
    entry = RefundInput(payment.pk, amount_minor, reason.strip(), note.strip())
    with locks.lock_books(payment.client) as client:
        if payment.is_online:
            raise ChargedOnline
        refund, is_new = create_from_form(client, entry, RefundMethod.BY_HAND, form_key=form_key, shown=shown, by=by)
        if is_new:
            refund.state, refund.settled_at = RefundState.SUCCEEDED, clock.now()
            refund.save(update_fields=["state", "settled_at"])
            audit_entries.record_amount(
                AuditAction.REFUND_RECORDED, client, payment.ref, amount_minor, by=by, reason=refund.reason
            )
    return refund


def create_from_form(
    client: Client,
    entry: RefundInput,
    method: RefundMethod,
    *,
    form_key: str,
    shown: ShownSums | None,
    by: Actor,
    idempotency_key: str = "",
) -> tuple[Refund, bool]:
    """Returns the refund, and whether it is new: a second call with the same `form_key` returns the first one's.

    Runs in the caller's transaction, with the client locked. Raises FormSentBefore, ShownSumsChanged and what
    `create_refund` raises.
    """
    rows = Refund.objects.filter(practice=client.practice)
    earlier = form_keys.find_result(rows, form_key, entry, kind="refund", describe=_description)
    if earlier is not None:
        return earlier, False
    payment = Payment.objects.locked().with_disputes().get(pk=entry.payment)
    payment.client = client
    shown_sums.refuse_if_changed(shown, shown_sums.of_refund(payment))
    refund = create_refund(
        payment,
        amount_minor=entry.amount_minor,
        method=method,
        reason=entry.reason,
        note=entry.note,
        form_key=form_key,
        by=by,
        idempotency_key=idempotency_key,
    )
    form_keys.store(refund, form_key, entry, kind="refund")
    return refund, True


def _description(refund: Refund) -> str:
    return _("a refund of %(amount)s") % {
        "amount": money.formatted(refund.amount_minor, refund.currency, language="en")
    }


def create_refund(
    payment: Payment,
    *,
    amount_minor: int,
    method: RefundMethod,
    reason: str,
    by: Actor,
    note: str = "",
    form_key: str = "",
    idempotency_key: str = "",
) -> Refund:
    """Creates a pending refund and counts it in the books at once. `allocation.undo_refund` undoes it if it fails.

    Runs in the caller's transaction, with client and payment locked. Pending refunds count, so that two of them
    cannot exceed the refundable amount. Raises AmountNotPositive, ExceedsRefundableAmount, ReasonMissing, TakenBack.
    """
    if payment.is_taken_back:
        raise TakenBack
    if amount_minor <= 0:
        raise AmountNotPositive(field="amount")
    if amount_minor > payment.left_minor:
        raise ExceedsRefundableAmount(field="amount")
    if not reason.strip():
        raise ReasonMissing(field="reason")
    refund = Refund.objects.create(
        practice_id=payment.practice_id,
        payment=payment,
        amount_minor=amount_minor,
        currency=payment.currency,
        method=method,
        reason=reason.strip()[:300],
        note=note.strip()[:500],
        made_by=by.name[:100],
        form_key=form_key,
        idempotency_key=idempotency_key,
    )
    allocation.reverse_for_refund(refund)
    # Without an unused amount nothing waits for a refund any more.
    Payment.objects.filter(pk=payment.pk, unused_minor=0).update(refund_requested_at=None, refund_request_reason="")
    return refund
