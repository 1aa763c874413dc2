"""`Billing & Payments`: the client's shared invoices, what is to pay, and what was paid."""

from dataclasses import dataclass

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import quotes, saved_cards
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Allocation, Invoice, InvoiceStatus, Payment, Refund
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.models import AuditEntry
from portico.web import payment_labels
from portico.web.billing_documents import ledger_lines
from portico.web.guards import portal_billing_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import notices

# Per section. The totals cover the rest, and the page says so.
MAX_UNPAID = 100
PAGE_SIZE = 25
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
    payment: Payment | None

    @property
    def label(self) -> str:
        return str(self.status.label)

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


@portal_billing_page
@require_safe
def index(request: PortalRequest) -> HttpResponse:
    shared = _shared(request)
    oldest_due_first = shared.not_processing().order_by("due_on", "id")
    paid = _page_of_paid(request)
    account = balances.portal_account(request.client)
    pays = quotes.is_open(request.practice, request.access)
    balance_minor = account.open_minor - account.processing_minor
    context = {
        "messages": notices.notice_of(request),
        "client": request.client,
        "account": account,
        "pays": pays,
        "balance_minor": balance_minor,
        "pays_balance": pays and quotes.is_chargeable(balance_minor, account.currency),
        "why_not": quotes.why_not_chargeable(balance_minor, account.currency),
        "cards": [(card, payment_labels.card_name(card)) for card in saved_cards.saved_cards_of(request.account)],
        "to_pay": [_row(request, invoice) for invoice in oldest_due_first[:MAX_UNPAID]],
        "processing": [_row(request, invoice) for invoice in shared.processing().order_by("-id")[:MAX_UNPAID]],
        "paid": [_row(request, invoice) for invoice in paid.rows],
        "most_listed": MAX_UNPAID,
        "next_before": paid.next_ref,
        "is_later_page": not paid.is_first,
    }
    return render(request, "portal/billing/index.html", context)


@portal_billing_page
@require_safe
def show(request: PortalRequest, ref: str) -> HttpResponse:
    invoice = get_object_or_404(_shared(request), ref=ref)
    _record_first_view(request, invoice)
    row = _row(request, invoice)
    context = {
        "client": request.client,
        "bill": row,
        "sums": ledger_lines.of_invoice(invoice, paid_with=row.paid_with),
        "pays": quotes.is_open(request.practice, request.access),
        "lines": invoice.lines.order_by("position"),
        "receipts": _receipts(invoice),
        "refunds": Refund.objects.filter(credit_notes__invoice=invoice, credit_notes__undone_at=None)
        .not_failed()
        .order_by("id"),
    }
    return render(request, "portal/billing/invoice.html", context)


def _shared(request: PortalRequest) -> InvoiceQuerySet:
    """Returns the client's shared invoices with sums, attempts and the payments allocated to them."""
    allocations = Allocation.objects.paying().select_related("payment").order_by("id")
    shared = request.client.invoices.shared().with_attempts().with_sums()
    return shared.prefetch_related(Prefetch("allocations", allocations))


def _page_of_paid(request: PortalRequest) -> KeysetPage[Invoice]:
    after = keyset_pagination.position_of(request.client.invoices.all(), request.GET.get("before", ""))
    return keyset_pagination.newest_first(_shared(request).settled(), after=after, size=PAGE_SIZE)


def _row(request: PortalRequest, invoice: Invoice) -> InvoiceRow:
    status = invoice.status_on(clock.today(request.practice.time_zone))
    payments = [row.payment for row in invoice.allocations.all() if row.payment]
    paid_with = ", ".join(dict.fromkeys(payment_labels.payment_name(payment) for payment in payments))
    is_paid_by_one = status == InvoiceStatus.PAID and len(payments) == 1
    return InvoiceRow(invoice, status, *TONES[status], paid_with, payments[0] if is_paid_by_one else None)


def _receipts(invoice: Invoice) -> list[tuple[Payment, str]]:
    """Returns the payments allocated to the invoice with their names, including refunded ones."""
    payments = {row.payment.pk: row.payment for row in invoice.allocations.all() if row.payment}
    return [(payment, payment_labels.payment_name(payment)) for payment in payments.values()]


def _record_first_view(request: PortalRequest, invoice: Invoice) -> None:
    """Records the client's first view of the invoice, which staff see in its history."""
    seen = AuditEntry.objects.filter(client=request.client, action=AuditAction.INVOICE_SEEN, about=invoice.ref)
    if not seen.exists():
        audit_log.record(
            AuditAction.INVOICE_SEEN,
            practice=request.practice,
            client=request.client,
            by=request.actor,
            about=invoice.ref,
            number=invoice.number,
        )
