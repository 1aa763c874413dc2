"""An invoice cancelled: asked first, with what becomes of the money."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portico.domain.billing import invoicing
from portico.domain.billing.models import Invoice
from portico.domain.billing.online import retiring
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.office import finding, looking
from portico.web.office.forms.money import VoidForm
from portico.web.office.roles import MONEY_KEEPERS
from portico.web.requests import OfficeRequest


@office_page(*MONEY_KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def void(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = finding.invoice_of(request, ref)
    if invoice.is_draft or invoice.is_void:
        return redirect("office:invoice", ref=ref)
    looking.at_invoice(request, invoice)
    if request.method != "POST":
        return _page(request, invoice, VoidForm())
    form = VoidForm(request.POST)
    if not form.is_valid():
        return _page(request, invoice, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        retiring.clear_way(invoice)
        if form.cleaned_data["anew"]:
            draft = invoicing.void_and_reissue(invoice, reason=form.reason, by=request.actor)
            messages.success(request, _("Invoice %(number)s is void. Here is the new draft.") % _named(invoice))
            return redirect("office:invoice_draft", ref=draft.ref)
        invoicing.void(invoice, reason=form.reason, by=request.actor)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, invoice, form, status=HTTPStatus.CONFLICT)
    messages.success(request, _("Invoice %(number)s is void.") % _named(invoice))
    return redirect("office:invoice", ref=ref)


def _named(invoice: Invoice) -> dict[str, int | None]:
    return {"number": invoice.number}


def _page(
    request: OfficeRequest, invoice: Invoice, form: VoidForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"invoice": invoice, "client": invoice.client, "form": form}
    return render(request, "office/invoices/void.html", context, status=status)
