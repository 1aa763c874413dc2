"""The page of one invoice, and sharing, issuing and discarding it."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import access_lookups
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import bill_mails, shown_sums
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_sharing import SharingOutcome
from portico.domain.billing.models import Allocation, CreditNote, Invoice
from portico.domain.billing.payments import manual_payments
from portico.domain.billing.reminders import reminder_mail
from portico.gateways import pdf
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.refusals import Refused
from portico.web import payment_labels
from portico.web.billing_documents import summary_lines
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys, lookups, shown_sums_field
from portico.web.office.billing import invoice_labels, invoice_view_audit
from portico.web.office.roles import may_edit_billing
from portico.web.office.shown_refusals import show_refusal


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if invoice.is_draft:
        return redirect("office:invoice_draft", ref=ref)
    invoice_view_audit.record_invoice_view(request, invoice)
    access = access_lookups.access_or_default(invoice.client)
    seen = AuditEntry.objects.filter(client=invoice.client, action=AuditAction.INVOICE_SEEN, about=invoice.ref)
    lines = list(invoice.lines.order_by("position"))
    context = {
        "invoice": invoice,
        "client": invoice.client,
        "status_label": invoice_labels.status_label(invoice),
        "lines": lines,
        "unprinted": pdf.undrawable_characters(invoice.client.name, invoice.note, *(line.label for line in lines)),
        "replaced_by": Invoice.objects.filter(replaces=invoice).first(),
        "received": [
            (
                row,
                _allocation_name(row),
                row.payment is not None and manual_payments.may_undo(row.payment, actor=request.actor),
            )
            for row in _received(invoice)
        ],
        "refunds": _refunds(invoice),
        "sums": summary_lines.of_invoice(invoice),
        "mail": _newest_email(invoice),
        "seen": seen.order_by("id").first(),
        "not_seen": invoice_labels.why_not_seen(access),
        "not_notified": invoice_labels.why_not_notified(access),
        "not_sent_again": invoice_sharing.why_not_sent_again(invoice),
        "not_by_card": _not_by_card(invoice),
        "no_card": None if invoice.is_void or invoice.is_paid else invoice_labels.why_not_paid_by_card(access),
        "may_edit_billing": may_edit_billing(request),
        "form_key": tokens.new_token(),
        "shown": shown_sums.of_invoice(invoice),
    }
    return render(request, "office/invoices/show.html", context)


@office_page()
@require_POST
def share(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    with show_refusal(request):
        shared = invoice_sharing.share(invoice, shown=shown_sums_field.of(request), by=request.actor)
        add_sharing_message(request, shared)
    return redirect("office:invoice", ref=ref)


@office_page()
@require_POST
def unshare(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    with show_refusal(request):
        invoice_sharing.unshare(invoice, shown=shown_sums_field.of(request), by=request.actor)
        messages.success(request, _("%(name)s can no longer see this invoice.") % {"name": invoice.client.called})
    return redirect("office:invoice", ref=ref)


@office_page()
@require_POST
def send_again(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    form_key, shown = form_keys.key_of(request), shown_sums_field.of(request)
    with show_refusal(request):
        sent = invoice_sharing.send_again(invoice, form_key=form_key, shown=shown, by=request.actor)
        add_sharing_message(request, sent)
    return redirect("office:invoice", ref=ref)


@office_page()
@require_POST
def issue(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    try:
        issued = invoicing.issue(invoice, shown=shown_sums_field.of(request), by=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("office:invoice_draft", ref=ref)
    messages.success(request, _("Invoice %(number)s was issued. It is not shared yet.") % {"number": issued.number})
    return redirect("office:invoice", ref=ref)


@office_page()
@require_POST
def discard(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    try:
        invoicing.discard_draft(invoice, shown=shown_sums_field.of(request), by=request.actor)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("office:invoice", ref=ref)
    messages.success(request, _("The draft was deleted."))
    return redirect("office:client_billing", ref=invoice.client.ref)


def _not_by_card(invoice: Invoice) -> str:
    if invoice.is_void or invoice.is_paid:
        return ""
    return invoice_labels.why_not_by_card(invoice.still_open_minor, invoice.client.practice)


def add_sharing_message(request: OfficeRequest, shared: SharingOutcome) -> None:
    """Adds a message with the result of sharing, and why the client gets no email if so."""
    name, number = shared.invoice.client.called, shared.invoice.number
    if shared.email is not None:
        message = _("Invoice %(number)s is shared. An email is on its way to %(address)s.")
        messages.success(request, message % {"number": number, "address": shared.email.to_address})
        return
    hint = invoice_labels.why_not_notified(shared.access)
    if hint is None:
        messages.success(request, _("Invoice %(number)s is shared with %(name)s.") % {"number": number, "name": name})
        return
    message = _("Invoice %(number)s is shared, but %(name)s was not notified by email: %(why)s")
    messages.warning(request, message % {"number": number, "name": name, "why": hint.words})


def _received(invoice: Invoice) -> QuerySet[Allocation]:
    return invoice.allocations.paying().select_related("payment", "credit").order_by("id")


def _allocation_name(row: Allocation) -> str:
    if row.payment is not None:
        return payment_labels.payment_name(row.payment)
    return _("Credit")


def _refunds(invoice: Invoice) -> QuerySet[CreditNote]:
    """Returns the part of each refund that was put against this invoice."""
    return invoice.credit_notes.filter(undone_at=None).select_related("refund").order_by("refund_id")


def _newest_email(invoice: Invoice) -> OutgoingEmail | None:
    """Returns the newest mail about the bill: of the new bill, or a reminder sent from its page."""
    about = Q(kind=bill_mails.NEW_BILL, content__invoice=invoice.ref)
    about |= Q(kind=reminder_mail.KIND, key__startswith=f"{reminder_mail.KIND}:{invoice.ref}:")
    return OutgoingEmail.objects.filter(about, client=invoice.client).order_by("-id").first()
