"""An invoice cancelled: asked first, with what becomes of the money."""

from collections.abc import Callable
from http import HTTPStatus

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
from portico.web.office import audit_views, lookups
from portico.web.office.billing.payment_forms import VoidForm
from portico.web.office.roles import BILLING_EDITORS


@office_page(*BILLING_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def void(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if invoice.is_draft or invoice.is_void:
        return redirect("office:invoice", ref=ref)
    audit_views.record_invoice_view(request, invoice)
    now = shown_sums.of_invoice(invoice)
    if request.method != "POST":
        return _page(request, invoice, VoidForm(now=now))
    form = VoidForm(request.POST, now=now)
    if not form.is_valid():
        return _page(request, invoice, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        if form.cleaned_data["anew"]:
            draft = _voided(request, invoice, form, invoicing.void_and_reissue)
            messages.success(request, _("Invoice %(number)s is void. Here is the new draft.") % _named(invoice))
            return redirect("office:invoice_draft", ref=draft.ref)
        _voided(request, invoice, form, invoicing.void)
    except Refused as refusal:
        return _again(request, ref, refusal)
    messages.success(request, _("Invoice %(number)s is void.") % _named(invoice))
    return redirect("office:invoice", ref=ref)


def _voided(request: OfficeRequest, invoice: Invoice, form: VoidForm, void: Callable[..., Invoice]) -> Invoice:
    shown = form.cleaned_data["shown"]
    return cancellation.clearing_way(invoice, lambda: void(invoice, reason=form.reason, shown=shown, by=request.actor))


def _again(request: OfficeRequest, ref: str, refusal: Refused) -> HttpResponse:
    """The question once more, about the invoice as it stands now."""
    invoice = lookups.get_invoice(request, ref)
    form = VoidForm(request.POST, now=shown_sums.of_invoice(invoice))
    form.add_error(None, str(refusal))
    return _page(request, invoice, form, status=HTTPStatus.CONFLICT)


def _named(invoice: Invoice) -> dict[str, int | None]:
    return {"number": invoice.number}


def _page(
    request: OfficeRequest, invoice: Invoice, form: VoidForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"invoice": invoice, "client": invoice.client, "form": form}
    return render(request, "office/invoices/void.html", context, status=status)
