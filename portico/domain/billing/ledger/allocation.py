"""Allocation of payments and credits to invoices: the only module that writes allocations and the totals they give.

Every function runs in the caller's transaction, with the client locked by `locks.lock_books`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries
from portico.domain.billing.models import (
    Allocation,
    AttemptState,
    Credit,
    CreditNote,
    Dispute,
    Invoice,
    Payment,
    PaymentAttempt,
    Refund,
    RefundState,
    Reversal,
    ReversalCause,
)
from portico.domain.billing.refusals import ExceedsRefundableAmount
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.actors import Actor

type PaymentOrCredit = Payment | Credit


@dataclass(frozen=True)
class AllocationTarget:
    """The part of a payment that is meant for an invoice, in minor units."""

    invoice: Invoice
    amount_minor: int


def allocate(payment: Payment, targets: Iterable[AllocationTarget]) -> int:
    """Allocates a new payment to its targets, at most the open amount of each; returns the unused amount.

    What cannot be allocated, because an invoice is void or already paid, stays with the payment as credit.
    """
    intended = {each.invoice.pk: each.amount_minor for each in targets}
    left, rows = payment.still_unused_minor, []
    for invoice in Invoice.objects.locked().filter(pk__in=intended).order_by("id"):
        open_minor = 0 if invoice.is_void or invoice.is_draft else invoice.still_open_minor
        amount = min(open_minor, intended[invoice.pk], left)
        if amount > 0:
            rows.append(
                Allocation(
                    practice_id=invoice.practice_id,
                    invoice=invoice,
                    payment=payment,
                    amount_minor=amount,
                    from_credit=False,
                )
            )
            left -= amount
    if rows:
        # In one statement: a balance may cover hundreds of invoices, and the payer waits for the page.
        Allocation.objects.bulk_create(rows)
        recount_invoices(row.invoice_id for row in rows)
        recount_payment(payment.pk)
        payment.allocated_minor += sum(row.amount_minor for row in rows)
    return payment.still_unused_minor


def apply_credit(client: Client, *, by: Actor) -> int:
    """Allocates the client's credit to shared invoices, earliest due date first; returns the amount allocated.

    Skips credit that waits for a refund and invoices under an open payment attempt.
    """
    applied = 0
    sources = _spendable(client)
    if not sources:
        return applied
    owed = client.invoices.payable().order_by(F("due_on").asc(nulls_last=True), "id")
    for pk in list(owed.values_list("pk", flat=True)):
        invoice = Invoice.objects.locked().get(pk=pk)
        while sources and invoice.still_open_minor > 0:
            source = sources[0]
            amount = min(source.still_unused_minor, invoice.still_open_minor)
            _allocate(source, invoice, amount, from_credit=True)
            audit_entries.record_amount(
                AuditAction.CREDIT_APPLIED, client, invoice.ref, amount, by=by, number=invoice.number
            )
            applied += amount
            if source.still_unused_minor == 0:
                sources.pop(0)
    return applied


def release(invoice: Invoice, cause: ReversalCause, *, only_credit: bool = False) -> int:
    """Reverses the invoice's live allocations, which become the client's credit again; returns their amount."""
    live = invoice.allocations.live().order_by("id")
    if only_credit:
        live = live.filter(from_credit=True)
    released = 0
    for allocation in live:
        released += allocation.still_live_minor
        _reverse(allocation, allocation.still_live_minor, cause)
    return released


def void_source(source: PaymentOrCredit, *, reason: str, by: Actor) -> None:
    """Takes a payment or credit out of the books; the invoices that it paid are owed again."""
    for allocation in source.allocations.live().order_by("id"):
        _reverse(allocation, allocation.still_live_minor, ReversalCause.TAKEN_BACK)
    source.refresh_from_db()
    source.taken_back_at, source.taken_back_by, source.taken_back_reason = clock.now(), by.name[:100], reason
    source.save(update_fields=["taken_back_at", "taken_back_by", "taken_back_reason"])


def remove_test_payment(payment: Payment, *, reason: str, by: Actor) -> None:
    """Takes a payment and its refunds out of the books; everything that it had paid is owed again."""
    at = clock.now()
    for refund in payment.refunds.not_failed().order_by("id"):
        refund.credit_notes.filter(undone_at=None).update(undone_at=at)
        reversals = list(refund.reversals.filter(undone_at=None).select_related("allocation").order_by("id"))
        for reversal in reversals:
            reversal.undone_at = at
            reversal.save(update_fields=["undone_at"])
            # Replaces the refund's reversal by one with this cause, without making the allocation live in between.
            _reverse(reversal.allocation, reversal.amount_minor, ReversalCause.TAKEN_BACK)
    void_source(payment, reason=reason, by=by)


def reverse_for_refund(refund: Refund) -> None:
    """Reverses the allocations that a refund takes back and writes credit notes, so that nothing is owed again.

    Uses up the unused amount first, then the latest allocations. Raises ExceedsRefundableAmount.
    """
    payment = Payment.objects.locked().get(pk=refund.payment_id)
    if refund.amount_minor > payment.left_minor:
        raise ExceedsRefundableAmount
    for allocation, amount in _allocations_to_reverse(payment, refund.amount_minor):
        _reverse(allocation, amount, ReversalCause.REFUND, refund=refund, recount=False)
        note, is_new = CreditNote.objects.get_or_create(
            practice_id=payment.practice_id,
            invoice_id=allocation.invoice_id,
            refund=refund,
            defaults={"amount_minor": amount},
        )
        if not is_new:
            CreditNote.objects.filter(pk=note.pk).update(amount_minor=F("amount_minor") + amount)
        recount_invoice(allocation.invoice_id)
    recount_payment(payment.pk)


def undo_refund(refund: Refund, *, failure: str, by: Actor) -> None:
    """Marks a refund as failed and restores the allocations that it reversed. A repeated call changes nothing."""
    refund = Refund.objects.locked().get(pk=refund.pk)
    if refund.state == RefundState.FAILED:
        return
    refund.state, refund.failure, refund.settled_at = RefundState.FAILED, failure[:300], clock.now()
    refund.save(update_fields=["state", "failure", "settled_at"])
    at = clock.now()
    refund.credit_notes.filter(undone_at=None).update(undone_at=at)
    reversals = list(refund.reversals.filter(undone_at=None).select_related("allocation__invoice").order_by("id"))
    for reversal in reversals:
        reversal.undone_at = at
        reversal.save(update_fields=["undone_at"])
        _recount_allocation(reversal.allocation_id)
        if reversal.allocation.invoice.is_void:
            # Nothing is owed on a void invoice: the restored amount becomes credit, as the rest did when it was voided.
            _reverse(reversal.allocation, reversal.amount_minor, ReversalCause.VOID, recount=False)
        recount_invoice(reversal.allocation.invoice_id)
    recount_payment(refund.payment_id)
    apply_credit(Client.objects.get(pk=refund.payment.client_id), by=by)


def reverse_for_dispute(dispute: Dispute) -> None:
    """Reverses what a lost dispute takes back, so that it is owed again. Saves the dispute."""
    payment = Payment.objects.locked().get(pk=dispute.payment_id)
    lost = min(dispute.amount_minor, payment.left_minor)
    for allocation, amount in _allocations_to_reverse(payment, lost):
        _reverse(allocation, amount, ReversalCause.DISPUTE, dispute=dispute, recount=False)
        recount_invoice(allocation.invoice_id)
    dispute.lost_minor = lost
    dispute.save(update_fields=["lost_minor", "state", "closed_at"])
    recount_payment(payment.pk)


def end_attempt(attempt: PaymentAttempt, state: AttemptState, *, by: Actor, reason: str = "") -> PaymentAttempt:
    """Ends an attempt, releases its invoices and applies credit to them. A repeated call changes nothing.

    On success, create and allocate the payment first, so that its invoices are never payable in between.
    """
    locked = PaymentAttempt.objects.locked().get(pk=attempt.pk)
    if not locked.holds_invoices:
        return locked
    locked.state, locked.reason, locked.ended_at = state, reason[:300], clock.now()
    locked.lease_until = locked.not_before = None
    locked.save(update_fields=["state", "reason", "ended_at", "lease_until", "not_before"])
    locked.covers.filter(is_open=True).update(is_open=False)
    apply_credit(Client.objects.get(pk=locked.client_id), by=by)
    return locked


def recount_invoice(pk: int) -> None:
    """Stores the paid and credited amounts of an invoice."""
    recount_invoices((pk,))


def recount_invoices(pks: Iterable[int]) -> None:
    """Stores the paid and credited amounts of several invoices, in one statement."""
    paid = Allocation.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice")
    notes = CreditNote.objects.filter(invoice=OuterRef("pk"), undone_at=None).order_by().values("invoice")
    Invoice.objects.filter(pk__in=list(pks)).update(
        paid_minor=Coalesce(Subquery(paid.annotate(sum=Sum("live_minor")).values("sum")), 0),
        credited_minor=Coalesce(Subquery(notes.annotate(sum=Sum("amount_minor")).values("sum")), 0),
    )


def recount_payment(pk: int) -> None:
    """Stores the allocated, refunded and disputed amounts of a payment."""
    refunds = Refund.objects.filter(payment_id=pk).not_failed()
    Payment.objects.filter(pk=pk).update(
        allocated_minor=Allocation.objects.filter(payment_id=pk).aggregate(sum=Sum("live_minor"))["sum"] or 0,
        refunded_minor=refunds.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
        disputed_minor=Dispute.objects.filter(payment_id=pk).aggregate(sum=Sum("lost_minor"))["sum"] or 0,
    )


def recount_credit(pk: int) -> None:
    """Stores the allocated amount of a credit."""
    live = Allocation.objects.filter(credit_id=pk).aggregate(sum=Sum("live_minor"))["sum"] or 0
    Credit.objects.filter(pk=pk).update(allocated_minor=live)


def _allocate(source: PaymentOrCredit, invoice: Invoice, amount: int, *, from_credit: bool) -> None:
    is_payment = isinstance(source, Payment)
    Allocation.objects.create(
        practice_id=invoice.practice_id,
        invoice=invoice,
        payment=source if isinstance(source, Payment) else None,
        credit=source if isinstance(source, Credit) else None,
        amount_minor=amount,
        from_credit=from_credit,
    )
    recount_invoice(invoice.pk)
    if is_payment:
        recount_payment(source.pk)
    else:
        recount_credit(source.pk)
    source.allocated_minor += amount
    invoice.paid_minor += amount


def _reverse(
    allocation: Allocation,
    amount: int,
    cause: ReversalCause,
    *,
    refund: Refund | None = None,
    dispute: Dispute | None = None,
    recount: bool = True,
) -> None:
    Reversal.objects.create(
        practice_id=allocation.practice_id,
        allocation=allocation,
        amount_minor=amount,
        cause=cause,
        refund=refund,
        dispute=dispute,
    )
    _recount_allocation(allocation.pk)
    if not recount:
        return
    recount_invoice(allocation.invoice_id)
    if allocation.payment_id is not None:
        recount_payment(allocation.payment_id)
    elif allocation.credit_id is not None:
        recount_credit(allocation.credit_id)


def _recount_allocation(pk: int) -> None:
    undone = Reversal.objects.filter(allocation_id=pk, undone_at=None).aggregate(sum=Sum("amount_minor"))["sum"] or 0
    Allocation.objects.filter(pk=pk).update(reversed_minor=undone)


def _allocations_to_reverse(payment: Payment, amount: int) -> list[tuple[Allocation, int]]:
    """Returns the allocations to reverse, with amounts, when `amount` leaves the payment.

    Raises ExceedsRefundableAmount.
    """
    remaining = max(amount - payment.still_unused_minor, 0)
    parts = []
    for allocation in payment.allocations.live().order_by("-id"):
        part = min(remaining, allocation.still_live_minor)
        if part > 0:
            parts.append((allocation, part))
            remaining -= part
    if remaining:
        raise ExceedsRefundableAmount
    return parts


def _spendable(client: Client) -> list[PaymentOrCredit]:
    """Locks and returns the client's payments and credits with an unused amount, oldest first."""
    credits_given: list[PaymentOrCredit] = list(client.credits.spendable().locked())
    payments: list[PaymentOrCredit] = list(client.payments.spendable().locked())
    return sorted([*credits_given, *payments], key=_creation_order)


def _creation_order(source: PaymentOrCredit) -> tuple[datetime, int]:
    return source.created_at, source.pk
