"""The list of invoices: filtered, searched, a page at a time; as a file; and everything shared at once."""

import csv
from dataclasses import dataclass
from datetime import tzinfo
from io import StringIO
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.invoices import invoice_list, invoice_sharing
from portico.domain.billing.invoices.invoice_list import MAX_COUNTED, ListQuery, StatusFilter
from portico.domain.billing.models import Invoice, InvoiceStatus, SharingRun
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money, times
from portico.plumbing.text.input_validation import LineField, is_unstorable
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import shown_sums_field
from portico.web.office.billing import invoice_labels
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

LONGEST_QUERY = 200
COLUMNS = (
    *("Invoice", "Client", "Status", "Date", "Due", "Shared"),
    *("Currency", "Total", "Invoiced", "Paid", "Refunded", "Adjusted", "Still to pay"),
)
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
# And the same signs in full width, and the bar, which older programs take for a command.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "−", "|", "＝", "＋", "－", "＠")


class SearchForm(forms.Form):
    """What the list is searched for."""

    q = LineField(required=False)


@dataclass(frozen=True)
class FilterChip:
    label: str
    address: str
    number: str
    is_current: bool
    tone: str = ""


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    wanted = _wanted(request, form)
    page = invoice_list.page(request.practice, wanted)
    counts = {} if wanted.query else invoice_list.counts(request.practice)
    context = {
        "form": form,
        "wanted": wanted,
        "rows": [(invoice, invoice_labels.status_label(invoice)) for invoice in page.invoices],
        "chips": _chips(wanted, counts),
        "unshared": counts.get(StatusFilter.UNSHARED, 0),
        "shown": shown_sums.of_many(counts.get(StatusFilter.UNSHARED, 0)),
        "run": SharingRun.objects.waiting().filter(practice=request.practice).first(),
        "still_open": invoice_list.still_open(request.practice),
        "next_url": _address(wanted, before=page.next_before) if page.next_before else "",
        "first_url": "" if page.is_first else _address(wanted),
        "may_export": may_edit_billing(request),
        "export_query": _address(wanted),
    }
    return render(request, "office/invoices/index.html", context)


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """What the list shows, as a file; nothing in it is a formula.

    A row adds up, and so do the columns: invoiced, less paid, plus refunded, plus adjusted, is still to pay.
    """
    wanted = _wanted(request, SearchForm(request.GET))
    text = StringIO()
    file, number = csv.writer(text, quoting=csv.QUOTE_ALL), 0
    file.writerow(COLUMNS)
    # Each row is written as it is read: only the text of the file is held.
    for invoice in invoice_list.all_of(request.practice, wanted):
        file.writerow(_cells(invoice, request.practice.zone))
        number += 1
    audit_log.record(
        AuditAction.INVOICES_EXPORTED,
        practice=request.practice,
        by=request.actor,
        show=wanted.show.value or "all",
        number=number,
    )
    name = f"invoices-{request.practice.slug}-{clock.today(request.practice.time_zone):%Y-%m-%d}.csv"
    # The mark tells spreadsheets that it is UTF-8.
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@office_page()
@require_POST
def share_all(request: OfficeRequest) -> HttpResponse:
    try:
        run = invoice_sharing.start_run(request.practice, shown=shown_sums_field.of(request), asked_by=request.staff)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("office:invoices")
    if run is None:
        messages.info(request, _("Everything that was issued is shared already."))
        return redirect("office:invoices")
    return redirect("office:sharing_run", ref=run.ref)


@office_page()
@require_safe
def sharing_run(request: OfficeRequest, ref: str) -> HttpResponse:
    run = SharingRun.objects.filter(practice=request.practice, ref=ref).first()
    if run is None:
        raise Http404
    return render(request, "office/invoices/sharing_run.html", {"run": run})


def _wanted(request: OfficeRequest, form: SearchForm) -> ListQuery:
    """Whatever makes no sense is left out: the list is shown all the same."""
    query = form.cleaned_data["q"] if form.is_valid() else ""
    asked = {name: _storable(request.GET.get(name, "")) for name in ("show", "before")}
    show = asked["show"]
    return ListQuery(
        show=StatusFilter(show) if show in set(StatusFilter) else StatusFilter.ALL,
        query=query[:LONGEST_QUERY],
        before=asked["before"],
    )


def _storable(text: str) -> str:
    return "" if is_unstorable(text) else text


def _address(wanted: ListQuery, *, show: StatusFilter | None = None, before: str = "") -> str:
    asked = {"q": wanted.query, "show": (wanted.show if show is None else show).value, "before": before}
    return f"?{urlencode({name: value for name, value in asked.items() if value})}"


def _chips(wanted: ListQuery, counts: dict[StatusFilter, int]) -> list[FilterChip]:
    labels = {StatusFilter.ALL: _("All"), StatusFilter.UNSHARED: _("Not shared")} | {
        StatusFilter(status.value): str(status.label) for status in InvoiceStatus
    }
    return [
        FilterChip(
            labels[show],
            _address(wanted, show=show),
            _number(counts[show]) if counts else "",
            wanted.show is show,
            "bad" if show is StatusFilter.PAST_DUE and counts.get(show) else "",
        )
        for show in StatusFilter
    ]


def _number(count: int) -> str:
    return f"{MAX_COUNTED:,}+" if count > MAX_COUNTED else f"{count:,}"


def _cells(invoice: Invoice, zone: tzinfo) -> list[str]:
    sums = invoice.sums
    amounts = (
        *(invoice.total_minor, sums.invoiced_minor, sums.paid_minor),
        *(sums.refunded_minor, sums.adjusted_minor, sums.balance_minor),
    )
    return [
        str(invoice.number or ""),
        _harmless(invoice.client.name),
        invoice_labels.status_label(invoice).label,
        invoice.dated_on.isoformat(),
        invoice.due_on.isoformat() if invoice.due_on else "",
        times.day_of(invoice.shared_at, zone).isoformat() if invoice.shared_at else "",
        invoice.currency,
        *(money.plain_decimal(minor, invoice.currency) for minor in amounts),
    ]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
