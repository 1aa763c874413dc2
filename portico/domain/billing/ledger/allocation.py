"""The one place where money is put against invoices, taken off them, and added up.

Every function runs inside the caller's transaction, with the client held by `holding.books_of`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from portico.domain.audit_actions import AuditAction
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
from portico.domain.billing.refusals import BeyondWhatIsLeft
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log

type Source = Payment | Credit


@dataclass(frozen=True)
class AllocationTarget:
    """What of a payment is meant for an invoice, in minor units."""

    invoice: Invoice
    amount_minor: int


def allocate(payment: Payment, toward: Iterable[AllocationTarget]) -> int:
    """Puts a new payment against what it was meant for, as far as that is still open; gives what is left over.

    What a void or already paid invoice no longer takes stays with the payment as credit.
    """
    meant = {each.invoice.pk: each.amount_minor for each in toward}
    left, rows = payment.still_unused_minor, []
    for invoice in Invoice.objects.locked().filter(pk__in=meant).order_by("id"):
        takes = 0 if invoice.is_void or invoice.is_draft else invoice.still_open_minor
        amount = min(takes, meant[invoice.pk], left)
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
        # Together: a balance may be hundreds of invoices, and its payer waits for the page.
        Allocation.objects.bulk_create(rows)
        recount_invoices(row.invoice_id for row in rows)
        recount_payment(payment.pk)
        payment.allocated_minor += sum(row.amount_minor for row in rows)
    return payment.still_unused_minor


def apply_credit(client: Client, *, by: Actor) -> int:
    """Puts the client's credit against shared invoices, oldest due first; gives how much was put.

    Credit that waits for a refund stays, and invoices under an open attempt are passed over.
    """
    put = 0
    sources = _spendable(client)
    if not sources:
        return put
    owed = client.invoices.payable().order_by(F("due_on").asc(nulls_last=True), "id")
    for pk in list(owed.values_list("pk", flat=True)):
        invoice = Invoice.objects.locked().get(pk=pk)
        while sources and invoice.still_open_minor > 0:
            source = sources[0]
            amount = min(source.still_unused_minor, invoice.still_open_minor)
            _put(source, invoice, amount, from_credit=True)
            _note_applied(client, invoice, amount, by=by)
            put += amount
            if source.still_unused_minor == 0:
                sources.pop(0)
    return put


def release(invoice: Invoice, cause: ReversalCause, *, only_credit: bool = False) -> int:
    """Takes off the invoice what stands against it; it becomes the client's credit again. Gives how much."""
    live = invoice.allocations.live().order_by("id")
    if only_credit:
        live = live.filter(from_credit=True)
    released = 0
    for allocation in live:
        released += allocation.still_live_minor
        _reverse(allocation, allocation.still_live_minor, cause)
    return released


def void_source(source: Source, *, reason: str, by: Actor) -> None:
    """Takes a payment or credit out of the books altogether; what it paid for is owed again."""
    for allocation in source.allocations.live().order_by("id"):
        _reverse(allocation, allocation.still_live_minor, ReversalCause.TAKEN_BACK)
    source.refresh_from_db()
    source.taken_back_at, source.taken_back_by, source.taken_back_reason = clock.now(), by.name[:100], reason
    source.save(update_fields=["taken_back_at", "taken_back_by", "taken_back_reason"])


def remove_test_payment(payment: Payment, *, reason: str, by: Actor) -> None:
    """Takes a payment out of the books with its refunds, as if it had never come: all it had paid is owed again."""
    at = clock.now()
    for refunded in payment.refunds.counting().order_by("id"):
        refunded.credit_notes.filter(undone_at=None).update(undone_at=at)
        reversals = list(refunded.reversals.filter(undone_at=None).select_related("allocation").order_by("id"))
        for reversal in reversals:
            reversal.undone_at = at
            reversal.save(update_fields=["undone_at"])
            # What the refund no longer takes off is taken off for this reason; it never stands there in between.
            _reverse(reversal.allocation, reversal.amount_minor, ReversalCause.TAKEN_BACK)
    void_source(payment, reason=reason, by=by)


def reverse_for_refund(refunded: Refund, *, invoice: Invoice | None = None) -> None:
    """Counts a refund: reverses what the money paid and writes credit notes, so that nothing is asked for again.

    With an invoice, only what stands there; otherwise first what is left over, then what was put last.
    Raises BeyondWhatIsLeft.
    """
    payment = Payment.objects.locked().get(pk=refunded.payment_id)
    if refunded.amount_minor > payment.left_minor:
        raise BeyondWhatIsLeft
    for allocation, amount in _taken_from(payment, refunded.amount_minor, invoice):
        _reverse(allocation, amount, ReversalCause.REFUND, refund=refunded, recount=False)
        note, is_new = CreditNote.objects.get_or_create(
            practice_id=payment.practice_id,
            invoice_id=allocation.invoice_id,
            refund=refunded,
            defaults={"amount_minor": amount},
        )
        if not is_new:
            CreditNote.objects.filter(pk=note.pk).update(amount_minor=F("amount_minor") + amount)
        recount_invoice(allocation.invoice_id)
    recount_payment(payment.pk)


def undo_refund(refunded: Refund, *, failure: str, by: Actor) -> None:
    """A refund that failed after all: the money stands again where it stood. Again: changes nothing."""
    refunded = Refund.objects.locked().get(pk=refunded.pk)
    if refunded.state == RefundState.FAILED:
        return
    refunded.state, refunded.failure, refunded.settled_at = RefundState.FAILED, failure[:300], clock.now()
    refunded.save(update_fields=["state", "failure", "settled_at"])
    at = clock.now()
    refunded.credit_notes.filter(undone_at=None).update(undone_at=at)
    reversals = list(refunded.reversals.filter(undone_at=None).select_related("allocation__invoice").order_by("id"))
    for reversal in reversals:
        reversal.undone_at = at
        reversal.save(update_fields=["undone_at"])
        _recount_allocation(reversal.allocation_id)
        if reversal.allocation.invoice.is_void:
            # The invoice asks for nothing any more: what stood there becomes credit, as the rest of it did.
            _reverse(reversal.allocation, reversal.amount_minor, ReversalCause.VOID, recount=False)
        recount_invoice(reversal.allocation.invoice_id)
    recount_payment(refunded.payment_id)
    apply_credit(Client.objects.get(pk=refunded.payment.client_id), by=by)


def reverse_for_dispute(dispute: Dispute) -> None:
    """Counts a lost dispute: the money is gone and what it paid is owed again. The dispute's row is written here."""
    payment = Payment.objects.locked().get(pk=dispute.payment_id)
    lost = min(dispute.amount_minor, payment.left_minor)
    for allocation, amount in _taken_from(payment, lost, None):
        _reverse(allocation, amount, ReversalCause.DISPUTE, dispute=dispute, recount=False)
        recount_invoice(allocation.invoice_id)
    dispute.lost_minor = lost
    dispute.save(update_fields=["lost_minor", "state", "closed_at"])
    recount_payment(payment.pk)


def end_attempt(attempt: PaymentAttempt, state: AttemptState, *, by: Actor, reason: str = "") -> PaymentAttempt:
    """Lets go of the attempt's invoices; credit that had passed them over is applied. Again: changes nothing.

    For a success, write and place the payment before, so that its invoices are never free in between.
    """
    held = PaymentAttempt.objects.locked().get(pk=attempt.pk)
    if not held.holds:
        return held
    held.state, held.reason, held.ended_at = state, reason[:300], clock.now()
    held.lease_until = held.not_before = None
    held.save(update_fields=["state", "reason", "ended_at", "lease_until", "not_before"])
    held.covers.filter(is_open=True).update(is_open=False)
    apply_credit(Client.objects.get(pk=held.client_id), by=by)
    return held


def recount_invoice(pk: int) -> None:
    """Stores what was paid and credited of an invoice."""
    recount_invoices((pk,))


def recount_invoices(pks: Iterable[int]) -> None:
    """The same for several, in one statement."""
    paid = Allocation.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice")
    notes = CreditNote.objects.filter(invoice=OuterRef("pk"), undone_at=None).order_by().values("invoice")
    Invoice.objects.filter(pk__in=list(pks)).update(
        paid_minor=Coalesce(Subquery(paid.annotate(sum=Sum("live_minor")).values("sum")), 0),
        credited_minor=Coalesce(Subquery(notes.annotate(sum=Sum("amount_minor")).values("sum")), 0),
    )


def recount_payment(pk: int) -> None:
    """Stores what of a payment stands against invoices, went back, or was lost."""
    refunds = Refund.objects.filter(payment_id=pk).counting()
    Payment.objects.filter(pk=pk).update(
        allocated_minor=Allocation.objects.filter(payment_id=pk).aggregate(sum=Sum("live_minor"))["sum"] or 0,
        refunded_minor=refunds.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
        disputed_minor=Dispute.objects.filter(payment_id=pk).aggregate(sum=Sum("lost_minor"))["sum"] or 0,
    )


def recount_credit(pk: int) -> None:
    """The same for a credit."""
    live = Allocation.objects.filter(credit_id=pk).aggregate(sum=Sum("live_minor"))["sum"] or 0
    Credit.objects.filter(pk=pk).update(allocated_minor=live)


def _put(source: Source, invoice: Invoice, amount: int, *, from_credit: bool) -> None:
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


def _taken_from(payment: Payment, amount: int, invoice: Invoice | None) -> list[tuple[Allocation, int]]:
    """Which allocations give up how much, when so much goes out of the payment."""
    live = payment.allocations.live().order_by("-id")
    if invoice is None:
        rest = max(amount - payment.still_unused_minor, 0)
    else:
        live, rest = live.filter(invoice=invoice), amount
    taken = []
    for allocation in live:
        part = min(rest, allocation.still_live_minor)
        if part > 0:
            taken.append((allocation, part))
            rest -= part
    if rest:
        raise BeyondWhatIsLeft
    return taken


def _spendable(client: Client) -> list[Source]:
    """What the client has left over, oldest first."""
    given: list[Source] = list(client.credits.spendable().locked())
    payments: list[Source] = list(client.payments.spendable().locked())
    return sorted([*given, *payments], key=_age)


def _age(source: Source) -> tuple[datetime, int]:
    return source.created_at, source.pk


def _note_applied(client: Client, invoice: Invoice, amount: int, *, by: Actor) -> None:
    audit_log.record(
        AuditAction.CREDIT_APPLIED,
        practice=client.practice,
        client=client,
        by=by,
        about=invoice.ref,
        number=invoice.number,
        amount_minor=amount,
        currency=invoice.currency,
    )
