"""New invoices from the list of invoices: choosing clients, and one form that makes a draft for each of them."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access.models import PortalAccess
from portico.domain.billing import shown_sums
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.models import Invoice
from portico.domain.clients import client_list
from portico.domain.clients.client_list import ClientQuery
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.billing import invoice_labels
from portico.web.office.billing.drafts.invoice_form import DUE_CHOICES, InvoiceForms, InvoiceInitial
from portico.web.office.billing.invoice_labels import NotifyHint
from portico.web.office.billing.invoice_list import SearchForm

MAX_CLIENTS = 50


@dataclass(frozen=True)
class InvoiceRecipient:
    """A client who gets one of the invoices, and why they would not see it, be emailed or pay by card."""

    client: Client
    hints: list[NotifyHint]


@office_page()
@require_safe
def choose(request: OfficeRequest) -> HttpResponse:
    """Searches clients to tick; those that are ticked stay in the list."""
    form = SearchForm(request.GET)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    chosen = _chosen(request)
    found = client_list.page(request.practice, ClientQuery(query=query)).page
    context = {
        "form": form,
        "query": query,
        "chosen": chosen,
        "found": [client for client in found.rows if client not in chosen],
        "has_more": bool(found.next_ref),
    }
    return render(request, "office/invoices/drafts/choose_clients.html", context)


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest) -> HttpResponse:
    """Shows the form for the chosen clients, and saves a draft for each, or shares it."""
    refs = request.GET.getlist("client")
    clients = _chosen(request)
    if not clients or len(clients) > MAX_CLIENTS:
        message = _("Choose at least one client.") if not clients else _("Choose at most %(most)d clients at a time.")
        messages.error(request, message % {"most": MAX_CLIENTS})
        return redirect(_url_of("office:choose_clients", clients[:MAX_CLIENTS]))
    if len(clients) < len(set(refs)):
        raise Http404
    if request.method == "POST":
        return _save(request, clients)
    if len(clients) == 1:
        return redirect("office:new_invoice", ref=clients[0].ref)
    return _page(request, clients, _new_forms(request))


def _new_forms(request: OfficeRequest) -> InvoiceForms:
    initial = InvoiceInitial.new(clock.today(request.practice.time_zone))
    return InvoiceForms(request.practice, initial=initial)


def _save(request: OfficeRequest, clients: list[Client]) -> HttpResponse:
    forms = InvoiceForms(request.practice, data=request.POST)
    if (rearranged := forms.rearranged(request.POST)) is not None:
        return _page(request, clients, rearranged)
    is_shared = request.POST.get("action") == "share"
    if not forms.is_valid() or (is_shared and forms.refuse_total()):
        return _page(request, clients, forms, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        form_key = forms.draft.cleaned_data["form_key"]
        drafts = invoicing.create_drafts(clients, forms.entry, form_key=form_key, by=request.actor)
    except Refused as refusal:
        forms.draft.add_error(None, str(refusal))
        return _page(request, clients, forms, status=HTTPStatus.CONFLICT)
    if is_shared:
        return _share(request, drafts)
    messages.success(request, _("%(number)d drafts were saved.") % {"number": len(drafts)})
    return redirect(f"{reverse('office:invoices')}?show=draft")


def _share(request: OfficeRequest, drafts: list[Invoice]) -> HttpResponse:
    """Shares each draft in a transaction of its own; says which of them were refused, and stay drafts."""
    notify = request.POST.get("tell") == "on"
    shared, refused = [], []
    for draft in drafts:
        # A form sent again shares nothing that was shared before and may have been unshared since.
        if not draft.is_draft:
            continue
        try:
            shown = shown_sums.of_invoice(draft)
            shared.append(invoice_sharing.share(draft, notify=notify, shown=shown, by=request.actor))
        except Refused as refusal:
            refused.append((draft.client.name, str(refusal)))
    if shared:
        messages.success(request, _message(len(shared), sum(each.email is not None for each in shared)))
    for name, reason in refused:
        message = _("The invoice for %(name)s was saved as a draft, but not shared. %(reason)s")
        messages.error(request, message % {"name": name, "reason": reason})
    return redirect("office:invoices")


def _message(shared: int, emailed: int) -> str:
    emails = ngettext("%(number)d client gets an email.", "%(number)d clients get an email.", emailed)
    return f"{_('%(number)d invoices are shared.') % {'number': shared}} {emails % {'number': emailed}}"


def _page(
    request: OfficeRequest, clients: list[Client], forms: InvoiceForms, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "recipients": [InvoiceRecipient(client, _hints(client)) for client in clients],
        "forms": forms,
        "due_choices": DUE_CHOICES,
        "not_by_card": invoice_labels.why_not_by_card(forms.total_minor, request.practice),
        "choose_url": _url_of("office:choose_clients", clients),
    }
    return render(request, "office/invoices/drafts/several.html", context, status=status)


def _hints(client: Client) -> list[NotifyHint]:
    return invoice_labels.hints(getattr(client, "portal_access", None) or PortalAccess.of(client))


def _chosen(request: OfficeRequest) -> list[Client]:
    """Returns the ticked clients who are not archived, by name, with their access and its address."""
    refs = set(request.GET.getlist("client")[: MAX_CLIENTS + 1])
    if not refs:
        return []
    rows = Client.objects.filter(practice=request.practice, ref__in=refs).present()
    clients = list(rows.select_related("portal_access__address").order_by("sort_key", "id"))
    for client in clients:
        client.practice = request.practice
    return clients


def _url_of(page: str, clients: list[Client]) -> str:
    return f"{reverse(page)}?{urlencode([('client', client.ref) for client in clients])}"
