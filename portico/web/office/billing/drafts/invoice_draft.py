"""The page of a draft invoice: creating, editing, autosaving and sharing it."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import access_lookups
from portico.domain.billing import bill_mails, shown_sums
from portico.domain.billing.invoices import invoice_list, invoice_sharing, invoicing
from portico.domain.billing.models import Invoice, InvoiceKind
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.billing import invoice_labels, invoice_view_audit
from portico.web.office.billing.drafts.invoice_form import DUE_CHOICES, InvoiceForms, InvoiceInitial
from portico.web.office.billing.invoice import add_sharing_message


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def create_draft(request: OfficeRequest, ref: str) -> HttpResponse:
    """Shows or saves a client's new draft; it is stored on the first save, not when the page opens."""
    client = lookups.get_client(request, ref)
    if request.method == "POST":
        return _save(request, client, None)
    last = invoice_list.latest_of(client) if "repeat" in request.GET else None
    initial = InvoiceInitial.new(clock.today(request.practice.time_zone), repeat=last)
    return _page(request, client, None, InvoiceForms(request.practice, client=client, initial=initial))


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if not invoice.is_draft:
        return redirect("office:invoice", ref=ref)
    if request.method == "POST":
        return _save(request, invoice.client, invoice)
    invoice_view_audit.record_invoice_view(request, invoice)
    initial = InvoiceInitial.saved(invoice, invoice.lines.select_related("item").order_by("position"))
    if invoice.typed:
        initial = InvoiceInitial(
            dict(invoice.typed["draft"]) | {"version": invoice.version}, list(invoice.typed["lines"])
        )
    forms = InvoiceForms(request.practice, client=invoice.client, initial=initial)
    return _page(request, invoice.client, invoice, forms)


@office_page()
@require_POST
def save_typed(request: OfficeRequest, ref: str) -> HttpResponse:
    """Autosaves the form as typed, valid or not; called by a script while the user types."""
    invoice = lookups.get_invoice(request, ref)
    typed = InvoiceForms(request.practice, data=request.POST).values
    version = str(typed.draft.get("version") or "")
    if version.isascii() and version.isdigit() and len(version) < 9:
        invoicing.save_draft_input(invoice, {"draft": typed.draft, "lines": typed.lines}, version=int(version))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _save(request: OfficeRequest, client: Client, invoice: Invoice | None) -> HttpResponse:
    forms = InvoiceForms(request.practice, client=client, data=request.POST)
    if (rearranged := forms.rearranged(request.POST)) is not None:
        return _page(request, client, invoice, rearranged)
    is_shared = request.POST.get("action") == "share"
    if not forms.is_valid() or (is_shared and forms.refuse_total()):
        return _page(request, client, invoice, forms, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        saved = _save_draft(request, client, invoice, forms)
    except ClientConflict as refusal:
        return _conflict_page(request, client, forms, invoice, refusal)
    except Refused as refusal:
        forms.draft.add_error(None, str(refusal))
        return _page(request, client, invoice, forms, status=HTTPStatus.CONFLICT)
    if not saved.is_draft:
        # A form sent again: the invoice was issued before, and if it was shared, may have been unshared since.
        return redirect("office:invoice", ref=saved.ref)
    if is_shared:
        return _share(request, saved)
    messages.success(request, _("The draft was saved."))
    return redirect("office:invoice_draft", ref=saved.ref)


def _share(request: OfficeRequest, saved: Invoice) -> HttpResponse:
    """Shares the draft as it was saved here; refuses if it changed since."""
    notify, shown = request.POST.get("tell") == "on", shown_sums.of_invoice(saved)
    try:
        shared = invoice_sharing.share(saved, notify=notify, shown=shown, by=request.actor)
    except Refused as refusal:
        messages.error(request, _("The draft was saved, but not shared. %(reason)s") % {"reason": refusal})
        return redirect("office:invoice_draft", ref=saved.ref)
    add_sharing_message(request, shared)
    return redirect("office:invoice", ref=saved.ref)


def _save_draft(request: OfficeRequest, client: Client, invoice: Invoice | None, forms: InvoiceForms) -> Invoice:
    if invoice is None:
        kind = InvoiceKind.OPENING if "opening" in request.GET else InvoiceKind.CHARGES
        form_key = forms.draft.cleaned_data["form_key"]
        return invoicing.create_draft(client, forms.entry, form_key=form_key, kind=kind, by=request.actor)
    version = forms.draft.cleaned_data["version"] or 0
    return invoicing.edit_draft(invoice, forms.entry, version=version, by=request.actor)


def _conflict_page(
    request: OfficeRequest, client: Client, typed: InvoiceForms, invoice: Invoice | None, refusal: Refused
) -> HttpResponse:
    """Renders the typed form beside the version that a colleague saved meanwhile; saving again overwrites that."""
    if invoice is None:
        raise refusal
    newest = lookups.get_invoice(request, invoice.ref)
    initial = typed.values
    initial.draft["version"] = newest.version
    lines = list(newest.lines.order_by("position"))
    forms = InvoiceForms(request.practice, client=client, initial=initial)
    return _page(request, client, newest, forms, status=HTTPStatus.CONFLICT, complaint=str(refusal), saved_lines=lines)


def _page(
    request: OfficeRequest,
    client: Client,
    invoice: Invoice | None,
    forms: InvoiceForms,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    **extra: Any,  # Any: for the template.
) -> HttpResponse:
    access = access_lookups.access_or_default(client)
    context = {
        "client": client,
        "invoice": invoice,
        "forms": forms,
        "due_choices": DUE_CHOICES,
        "not_seen": invoice_labels.why_not_seen(access),
        "not_notified": invoice_labels.why_not_notified(access),
        "mailed": bill_mails.mailed_people(access, access_lookups.of_contacts(client)),
        "not_by_card": invoice_labels.why_not_by_card(forms.total_minor, request.practice),
        "no_card": invoice_labels.why_not_paid_by_card(access),
        "standings": invoice_labels.TONES,
        "shown": shown_sums.of_invoice(invoice) if invoice is not None else None,
        **extra,
    }
    return render(request, "office/invoices/drafts/edit.html", context, status=status)
