"""Sharing all invoices that are not shared: the list of what happens, and the progress of the run."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.access.models import PortalAccess
from portico.domain.billing import shown_sums
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.invoices.invoice_sharing import MAX_PLANNED, PlannedSharing
from portico.domain.billing.models import Invoice, SharingRun
from portico.plumbing.refusals import Refused
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import names_shown, shown_sums_field
from portico.web.office.billing import invoice_labels
from portico.web.office.billing.invoice_labels import NotifyHint


@dataclass(frozen=True)
class PlannedRow:
    """An invoice, those who are mailed about it, and why it does not reach the client as it should."""

    invoice: Invoice
    mailed: list[PortalAccess]
    hints: list[NotifyHint]


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def share_all(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        return _start(request)
    # Read before the rows: what changes in between is noticed when the form is sent.
    ids = invoice_sharing.unshared_ids(request.practice)
    if not ids:
        return _redirect_to_list(request)
    planned = invoice_sharing.plan_run(request.practice)
    rows = [_row(each) for each in planned[:MAX_PLANNED]]
    context = {
        "groups": (
            (_("Shared, with an email"), "emailed", [row for row in rows if row.mailed]),
            (_("Shared without an email"), "silent", [row for row in rows if not row.mailed]),
        ),
        "parents_apart": names_shown.with_parents_apart(row.invoice.client for row in rows),
        "number": len(ids),
        "has_more": len(planned) > MAX_PLANNED,
        "max_planned": MAX_PLANNED,
        "shown": shown_sums.of_rows(ids),
    }
    return render(request, "office/invoices/sharing/all.html", context)


def _start(request: OfficeRequest) -> HttpResponse:
    try:
        run = invoice_sharing.start_run(
            request.practice, shown=shown_sums_field.of(request), requested_by=request.staff
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("office:share_all")
    return _redirect_to_list(request) if run is None else redirect("office:sharing_run", ref=run.ref)


def _redirect_to_list(request: OfficeRequest) -> HttpResponse:
    messages.info(request, _("All issued invoices are already shared."))
    return redirect("office:invoices")


def _row(planned: PlannedSharing) -> PlannedRow:
    return PlannedRow(planned.invoice, planned.mailed, invoice_labels.hints(planned.access))


@office_page()
@require_safe
def sharing_run(request: OfficeRequest, ref: str) -> HttpResponse:
    run = SharingRun.objects.filter(practice=request.practice, ref=ref).first()
    if run is None:
        raise Http404
    return render(request, "office/invoices/sharing/run.html", {"run": run})
