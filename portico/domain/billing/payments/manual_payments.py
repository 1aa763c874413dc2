"""Payments that reached the practice outside Portico: recording them by hand and taking them back."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, bill_mails, shown_sums
from portico.domain.billing.invoices import invoicing, open_invoices
from portico.domain.billing.ledger import allocation, balances, locks
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import MANUAL_KINDS, Invoice, Payment, PaymentKind, ReceiptCounter
from portico.domain.billing.refusals import (
    AmountNotPositive,
    ChargedOnline,
    ExceedsInvoice,
    ExceedsPayment,
    HasRefunds,
    InvoicePaid,
    ReasonMissing,
    UndoExpired,
)
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import money

UNDO_PERIOD = timedelta(minutes=15)


@dataclass(frozen=True)
class InvoicePortion:
    """The part of a payment that staff apply to an invoice, given by its id, in minor units."""

    invoice: int
    amount_minor: int


@dataclass(frozen=True)
class PaymentInput:
    """The input of a payment form, in minor units of the practice's currency.

    Without `portions`, a payment to the account is applied to shared invoices, oldest due first.
    """

    kind: PaymentKind
    amount_minor: int
    received_on: date
    check_number: str = ""
    note: str = ""
    portions: tuple[InvoicePortion, ...] = ()
    email_receipt: bool = False


@retry_on_deadlock
def record(
    client: Client,
    entry: PaymentInput,
    *,
    shown: ShownSums | None,
    by: Actor,
    invoice: Invoice | None = None,
    form_key: str = "",
) -> Payment:
    """Records a payment for one invoice, or for the account if no invoice is given; any excess becomes credit.

    A second call with the same `form_key` returns the first one's payment. Raises FormSentBefore, AmountNotPositive,
    InvoicePaid, ChargedOnline, InvoiceNotIssued, InvoiceVoid, ShownSumsChanged, Processing, BeingPaid, ExceedsInvoice,
    ExceedsPayment.
    """
    if entry.kind not in MANUAL_KINDS:
        raise ChargedOnline
    if entry.amount_minor <= 0:
        raise AmountNotPositive(field="amount")
    content = (client.pk, invoice.pk if invoice else None, entry)
    with locks.lock_books(client) as locked:
        rows = Payment.objects.filter(practice=locked.practice)
        earlier = form_keys.find_result(rows, form_key, content, kind="payment", describe=_description)
        if earlier is not None:
            return earlier
        targets = _targets(locked, invoice, entry, shown)
        payment = Payment.objects.create(
            practice=locked.practice,
            client=locked,
            kind=entry.kind,
            amount_minor=entry.amount_minor,
            currency=locked.practice.fix_currency(),
            received_on=entry.received_on,
            number=ReceiptCounter.objects.take_number(locked.practice),
            check_number=entry.check_number if entry.kind == PaymentKind.CHECK else "",
            note=entry.note,
            recorded_by=by.name[:100],
            recorded_by_staff_id=by.staff_id,
            form_key=form_key,
        )
        form_keys.store(payment, form_key, content, kind="payment")
        unused = allocation.allocate(payment, targets)
        audit_entries.record_amount(
            AuditAction.PAYMENT_RECORDED,
            locked,
            payment.ref,
            payment.amount_minor,
            by=by,
            kind=payment.kind,
            invoice=invoice.ref if invoice else None,
        )
        if unused:
            allocation.apply_credit(locked, by=by)
        if entry.email_receipt:
            bill_mails.send_receipt(payment, by=by)
    return payment


def may_undo(payment: Payment, *, actor: Actor) -> bool:
    """Returns whether the actor recorded the payment themselves within UNDO_PERIOD."""
    is_own = actor.staff_id is not None and payment.recorded_by_staff_id == actor.staff_id
    age = clock.now() - payment.created_at
    return is_own and timedelta(0) <= age < UNDO_PERIOD and not (payment.is_taken_back or payment.refunded_minor)


@retry_on_deadlock
def take_back(payment: Payment, *, reason: str, shown: ShownSums | None, by: Actor, only_own: bool = False) -> Payment:
    """Takes a payment that was recorded by hand out of the books: it bounced, or was recorded by mistake.

    With `only_own`, only while the actor may undo it. A repeated call changes nothing.
    Raises ChargedOnline, HasRefunds, UndoExpired, ReasonMissing, ShownSumsChanged.
    """
    with locks.lock_books(payment.client) as locked:
        payment = Payment.objects.locked().get(pk=payment.pk)
        payment.client = locked
        if payment.is_taken_back:
            return payment
        if payment.is_online:
            raise ChargedOnline
        if payment.refunded_minor:
            raise HasRefunds
        if only_own and not may_undo(payment, actor=by):
            raise UndoExpired(UNDO_PERIOD)
        if not reason.strip():
            raise ReasonMissing(field="reason")
        shown_sums.refuse_if_changed(shown, shown_sums.of_taking_back(payment, payment.allocations.live()))
        allocation.void_source(payment, reason=reason.strip()[:300], by=by)
        audit_entries.record_amount(
            AuditAction.PAYMENT_TAKEN_BACK,
            locked,
            payment.ref,
            payment.amount_minor,
            by=by,
            kind=payment.kind,
            reason=payment.taken_back_reason,
        )
        allocation.apply_credit(locked, by=by)
    return payment


def _description(payment: Payment) -> str:
    return _("a payment of %(amount)s") % {
        "amount": money.formatted(payment.amount_minor, payment.currency, language="en")
    }


def _targets(
    client: Client, invoice: Invoice | None, entry: PaymentInput, shown: ShownSums | None
) -> list[AllocationTarget]:
    if invoice is None:
        now = shown_sums.of_account(balances.office_minor(client), open_invoices.of_client(client))
        shown_sums.refuse_if_changed(shown, now)
        return _chosen_targets(client, entry)
    invoice = locks.lock_invoice(client, invoice.pk)
    invoicing.refuse_unless_issued(invoice)
    shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
    locks.refuse_while_paying(invoice)
    if invoice.is_paid:
        raise InvoicePaid
    return [AllocationTarget(invoice, entry.amount_minor)]


def _chosen_targets(client: Client, entry: PaymentInput) -> list[AllocationTarget]:
    """Returns the invoices to which staff apply parts of the payment, locked."""
    amounts = {portion.invoice: portion.amount_minor for portion in entry.portions}
    if sum(amounts.values()) > entry.amount_minor:
        raise ExceedsPayment
    targets = [AllocationTarget(invoice, amounts[invoice.pk]) for invoice in locks.lock_invoices(client, amounts)]
    for target in targets:
        invoicing.refuse_unless_issued(target.invoice)
        locks.refuse_while_paying(target.invoice)
        due_minor = target.invoice.still_open_minor
        if target.amount_minor > due_minor:
            raise ExceedsInvoice(
                target.invoice.ref, money.formatted(due_minor, client.practice.currency, language="en")
            )
    return targets
