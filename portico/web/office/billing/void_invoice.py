"""Voiding an invoice, after a confirmation page that lists what happens to payments on it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portico.domain.billing import shown_sums
from portico.domain.billing.card_payments import cancellation
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import Invoice
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import posted
from portico.web.office.billing import invoice_view_audit
from portico.web.office.billing.payment_forms import VoidForm
from portico.web.office.roles import BILLING_EDITORS


@office_page(*BILLING_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def void(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if invoice.is_draft or invoice.is_void:
        return redirect("office:invoice", ref=ref)
    invoice_view_audit.record_invoice_view(request, invoice)
    form = VoidForm(posted(request), now=shown_sums.of_invoice(invoice))
    if not form.is_valid():
        return _page(request, invoice, form)
    try:
        if form.cleaned_data["copy_to_draft"]:
            draft = _void(request, invoice, form, invoicing.void_and_reissue)
            messages.success(
                request, _("Invoice %(number)s was voided. This is the new draft.") % _message_values(invoice)
            )
            return redirect("office:invoice_draft", ref=draft.ref)
        _void(request, invoice, form, invoicing.void)
    except Refused as refusal:
        return _refused(request, ref, refusal)
    messages.success(request, _("Invoice %(number)s was voided.") % _message_values(invoice))
    return redirect("office:invoice", ref=ref)


def _void(request: OfficeRequest, invoice: Invoice, form: VoidForm, operation: Callable[..., Invoice]) -> Invoice:
    shown = form.cleaned_data["shown"]
    return cancellation.retry_after_cancelling(
        [invoice], lambda: operation(invoice, reason=form.reason, shown=shown, by=request.actor)
    )


def _refused(request: OfficeRequest, ref: str, refusal: Refused) -> HttpResponse:
    """Renders the confirmation again with the refusal and the current state of the invoice."""
    invoice = lookups.get_invoice(request, ref)
    form = VoidForm(request.POST, now=shown_sums.of_invoice(invoice))
    return _page(request, invoice, form.refused(refusal))


def _message_values(invoice: Invoice) -> dict[str, int | None]:
    return {"number": invoice.number}


def _page(request: OfficeRequest, invoice: Invoice, form: VoidForm) -> HttpResponse:
    context = {"invoice": invoice, "client": invoice.client, "form": form}
    return render(request, "office/invoices/void.html", context, status=form.page_status)
