"""Payments that reached the practice outside Portico: recording them by hand and taking them back."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import allocation, balances, locks
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import MANUAL_KINDS, Invoice, Payment, PaymentKind, ReceiptCounter
from portico.domain.billing.refusals import (
    AmountNotPositive,
    ChargedOnline,
    HasRefunds,
    InvoicePaid,
    ReasonMissing,
)
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.plumbing import form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import money


@dataclass(frozen=True)
class PaymentInput:
    """The input of a payment form, in minor units of the practice's currency."""

    kind: PaymentKind
    amount_minor: int
    received_on: date
    check_number: str = ""
    note: str = ""


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
    InvoicePaid, ChargedOnline, InvoiceNotIssued, InvoiceVoid, ShownSumsChanged, Processing, BeingPaid.
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
        targets = _targets(locked, invoice, entry.amount_minor, shown)
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
    return payment


@retry_on_deadlock
def take_back(payment: Payment, *, reason: str, shown: ShownSums | None, by: Actor) -> Payment:
    """Takes a payment that was recorded by hand out of the books: it bounced, or was recorded by mistake.

    A repeated call changes nothing. Raises ChargedOnline, HasRefunds, ReasonMissing, ShownSumsChanged.
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
    client: Client, invoice: Invoice | None, amount_minor: int, shown: ShownSums | None
) -> list[AllocationTarget]:
    if invoice is None:
        shown_sums.refuse_if_changed(shown, shown_sums.of_balance(balances.office_minor(client)))
        return []
    invoice = locks.lock_invoice(client, invoice.pk)
    invoicing.refuse_unless_issued(invoice)
    shown_sums.refuse_if_changed(shown, shown_sums.of_invoice(invoice))
    locks.refuse_while_paying(invoice)
    if invoice.is_paid:
        raise InvoicePaid
    return [AllocationTarget(invoice, amount_minor)]
