"""`Billing & Payments`: the client's shared invoices, what is to pay, and what was paid."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import quotes, saved_cards
from portico.domain.billing.invoices import shared_invoices
from portico.domain.billing.invoices.shared_invoices import InvoicePayment, SharedInvoice
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Invoice, InvoiceStatus
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text.result_cache import cached
from portico.web import payment_labels
from portico.web.billing_documents import summary_lines
from portico.web.guards import portal_billing_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages, other_payers_cards
from portico.web.template_engine.filters import money, on_day

# Past due is yellow here, not red, to stay friendly.
TONES = {
    InvoiceStatus.UNPAID: ("wait", "hourglass"),
    InvoiceStatus.PAST_DUE: ("wait", "clock-alert"),
    InvoiceStatus.PROCESSING: ("accent", "loader-circle"),
    InvoiceStatus.PAID: ("good", "check"),
    InvoiceStatus.VOID: ("quiet", "ban"),
}


@dataclass(frozen=True)
class InvoiceRow:
    """An invoice as shown to its client."""

    invoice: Invoice
    status: InvoiceStatus
    tone: str
    icon: str
    paid_with: str
    # Set if a single payment paid the invoice.
    payment: InvoicePayment | None

    @property
    def label(self) -> str:
        return _status_label(self.status, get_language())

    @property
    def is_to_pay(self) -> bool:
        return self.status in {InvoiceStatus.UNPAID, InvoiceStatus.PAST_DUE}

    @property
    def is_chargeable(self) -> bool:
        """Returns True if the open amount can be paid by card."""
        return self.is_to_pay and not self.why_not

    @property
    def why_not(self) -> str:
        """Returns the sentence shown instead of `Pay Now`; empty if the invoice can be paid by card."""
        if not self.is_to_pay:
            return ""
        return quotes.why_not_chargeable(self.invoice.still_open_minor, self.invoice.currency)


@cached
def _status_label(status: InvoiceStatus, _language: str | None) -> str:
    """Returns the label in the active language, which is given as a part of the cache's key."""
    return str(status.label)


class ListItem(NamedTuple):
    """An invoice in the list, in words: its row reads nothing else."""

    ref: str
    number: int | None
    status: InvoiceStatus
    total_minor: int
    amount: str
    tone: str
    icon: str
    label: str
    details: str
    # The accessible name of `Pay Now`; empty if it is not offered.
    pay_label: str
    # Set if a single payment paid the invoice.
    payment: InvoicePayment | None


@portal_billing_page
@require_safe
def index(request: PortalRequest) -> HttpResponse:
    listed = shared_invoices.list_for(request.client, before=request.GET.get("before", ""))
    other_payers_cards.hide_cards(request, (each for shared in listed.paid for each in shared.payments))
    account = balances.portal_balance(request.client)
    today = clock.today(request.practice.time_zone)
    pays = quotes.is_open(request.practice, request.access)
    balance_minor = account.open_minor - account.processing_minor
    context = {
        "messages": flash_messages.notice_of(request),
        "client": request.client,
        "account": account,
        "can_pay": pays,
        "balance_minor": balance_minor,
        "can_pay_balance": pays and quotes.is_chargeable(balance_minor, account.currency),
        "why_not": quotes.why_not_chargeable(balance_minor, account.currency),
        "cards": [(card, payment_labels.card_name(card)) for card in saved_cards.saved_cards_of(request.account)],
        "to_pay": [_list_item(shared, today=today, can_pay=pays) for shared in listed.to_pay],
        "processing_number": len(listed.processing),
        "paid_and_processing": [
            _list_item(shared, today=today, can_pay=pays) for shared in (*listed.processing, *listed.paid)
        ],
        "most_listed": shared_invoices.MAX_UNPAID,
        "next_before": listed.next_before,
        "is_later_page": listed.is_later_page,
    }
    return render(request, "portal/billing/index.html", context)


@portal_billing_page
@require_safe
def show(request: PortalRequest, ref: str) -> HttpResponse:
    shared = shared_invoices.find(request.client, ref)
    if shared is None:
        raise Http404
    other_payers_cards.hide_cards(request, shared.payments)
    invoice, row = shared.invoice, _row(shared, today=clock.today(request.practice.time_zone))
    if request.client_view is None:
        _record_first_view(request, invoice)
    can_pay = quotes.is_open(request.practice, request.access)
    cards = saved_cards.usable_cards(request.account, request.practice) if can_pay and row.is_chargeable else []
    context = {
        "client": request.client,
        "bill": row,
        "sums": summary_lines.of_invoice(invoice, paid_with=row.paid_with),
        "can_pay": can_pay,
        # The newest, as preselected by `Pay Now`.
        "card": cards[0] if cards else None,
        "card_name": payment_labels.card_name(cards[0]) if cards else "",
        "lines": shared_invoices.lines_of(invoice),
        "receipts": _receipts(shared),
        "refunds": shared_invoices.refunds_of(invoice),
    }
    return render(request, "portal/billing/invoice.html", context)


def _row(shared: SharedInvoice, *, today: date) -> InvoiceRow:
    invoice, payments = shared.invoice, shared.payments
    status = invoice.status_on(today)
    paid_with = ", ".join(dict.fromkeys(payment_labels.payment_name(payment) for payment in payments))
    is_paid_by_one = status == InvoiceStatus.PAID and len(payments) == 1
    return InvoiceRow(invoice, status, *TONES[status], paid_with, payments[0] if is_paid_by_one else None)


def _list_item(shared: SharedInvoice, *, today: date, can_pay: bool) -> ListItem:
    row = _row(shared, today=today)
    invoice, status = row.invoice, row.status
    total, left = money(invoice.total_minor, invoice.currency), money(invoice.still_open_minor, invoice.currency)
    pay_label = ""
    if can_pay and row.is_chargeable:
        pay_label = _("Pay Now: invoice %(number)s, %(amount)s") % {"number": invoice.number, "amount": left}
    return ListItem(
        invoice.ref,
        invoice.number,
        status,
        invoice.total_minor,
        total if status == InvoiceStatus.PAID else left,
        row.tone,
        row.icon,
        row.label,
        _details(row, total=total, left=left),
        pay_label,
        row.payment,
    )


def _details(row: InvoiceRow, *, total: str, left: str) -> str:
    """Returns the words beside the status: when it is due, or how it was paid."""
    invoice = row.invoice
    if row.status == InvoiceStatus.PROCESSING:
        return _("Your bank is confirming. You don’t need to do anything.")
    if row.status == InvoiceStatus.PAID:
        return _paid_with(row)
    if invoice.is_partly_paid:
        return _("%(left)s of %(total)s still to pay") % {"left": left, "total": total}
    if row.status == InvoiceStatus.PAST_DUE:
        return _("Was due %(day)s") % {"day": on_day(invoice.due_on)}
    return _("Due %(day)s") % {"day": on_day(invoice.due_on)} if invoice.due_on else ""


def _paid_with(row: InvoiceRow) -> str:
    """Returns "Nov 20, Visa ending 4242 · $40.00 refunded", as far as it applies."""
    parts = (on_day(row.payment.received_on) if row.payment else "", row.paid_with)
    paid_with = ", ".join(part for part in parts if part)
    refunded_minor = row.invoice.sums.refunded_minor
    if not refunded_minor:
        return paid_with
    amount = money(refunded_minor, row.invoice.currency)
    return f"{paid_with} · {_('%(amount)s refunded') % {'amount': amount}}"


def _receipts(shared: SharedInvoice) -> list[tuple[InvoicePayment, str]]:
    """Returns the payments allocated to the invoice with their names, including refunded ones."""
    payments = {payment.id: payment for payment in shared.payments}
    return [(payment, payment_labels.payment_name(payment)) for payment in payments.values()]


def _record_first_view(request: PortalRequest, invoice: Invoice) -> None:
    """Records the client's first view of the invoice, which staff see in its history."""
    if not audit_log.is_recorded(AuditAction.INVOICE_SEEN, client=request.client, about=invoice.ref):
        audit_log.record(
            AuditAction.INVOICE_SEEN,
            practice=request.practice,
            client=request.client,
            by=request.actor,
            about=invoice.ref,
            number=invoice.number,
        )
