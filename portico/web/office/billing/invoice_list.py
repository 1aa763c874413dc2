"""The list of invoices: filtering, searching, paging, CSV export, and sharing all that are not shared."""

from datetime import tzinfo
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoice_list, invoice_sharing
from portico.domain.billing.invoices.invoice_list import MAX_COUNTED, InvoiceQuery, StatusFilter
from portico.domain.billing.ledger import practice_owed_total
from portico.domain.billing.models import Invoice, InvoiceStatus
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text import money, time_formatting
from portico.plumbing.text.input_validation import LineField, is_unstorable
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import filter_links
from portico.web.office.billing import invoice_labels
from portico.web.office.filter_links import FilterChip
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

MAX_QUERY_LENGTH = 200
COLUMNS = (
    *("Invoice", "Client", "Status", "Date", "Due", "Shared"),
    *("Currency", "Total", "Invoiced", "Paid", "Refunded", "Adjusted", "Balance due"),
)


class SearchForm(forms.Form):
    """The search field of the list."""

    q = LineField(required=False)


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    list_query = _list_query(request, form)
    page = invoice_list.page(request.practice, list_query)
    counts = {} if list_query.query else invoice_list.counts(request.practice)
    context = {
        "form": form,
        "list_query": list_query,
        "rows": [(invoice, invoice_labels.status_label(invoice)) for invoice in page.rows],
        "chips": _chips(list_query, counts),
        "unshared": counts.get(StatusFilter.UNSHARED, 0),
        "run": invoice_sharing.waiting_run(request.practice),
        "still_open": practice_owed_total.owed_minor(request.practice),
        "next_url": _url(list_query, before=page.next_ref) if page.next_ref else "",
        "first_url": "" if page.is_first else _url(list_query),
        "may_export": may_edit_billing(request),
        "export_query": _url(list_query),
    }
    return render(request, "office/invoices/index.html", context)


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends the filtered list as CSV, with formulas escaped.

    In every row and in the column totals: invoiced - paid + refunded + adjusted = still to pay.
    """
    list_query = _list_query(request, SearchForm(request.GET))
    audit_log.record(
        AuditAction.INVOICES_EXPORTED,
        practice=request.practice,
        by=request.actor,
        show=list_query.show.value or "all",
        number=invoice_list.number_of(request.practice, list_query),
    )
    file_name = f"invoices-{request.practice.slug}-{clock.today(request.practice.time_zone):%Y-%m-%d}.csv"
    zone = request.practice.zone
    rows = (_cells(invoice, zone) for invoice in invoice_list.all_of(request.practice, list_query))
    return csv_files.streamed(file_name, COLUMNS, rows)


def _list_query(request: OfficeRequest, form: SearchForm) -> InvoiceQuery:
    """Returns the query of the request, ignoring invalid parameters."""
    query = form.cleaned_data["q"] if form.is_valid() else ""
    parameters = {name: _storable(request.GET.get(name, "")) for name in ("show", "before")}
    show = parameters["show"]
    return InvoiceQuery(
        show=StatusFilter(show) if show in set(StatusFilter) else StatusFilter.ALL,
        query=query[:MAX_QUERY_LENGTH],
        before=parameters["before"],
    )


def _storable(text: str) -> str:
    return "" if is_unstorable(text) else text


def _url(list_query: InvoiceQuery, *, show: StatusFilter | None = None, before: str = "") -> str:
    parameters = {"q": list_query.query, "show": (list_query.show if show is None else show).value, "before": before}
    return f"?{urlencode({name: value for name, value in parameters.items() if value})}"


def _chips(list_query: InvoiceQuery, counts: dict[StatusFilter, int]) -> list[FilterChip]:
    labels = {StatusFilter.ALL: _("All"), StatusFilter.UNSHARED: _("Not shared")} | {
        StatusFilter(status.value): str(status.label) for status in InvoiceStatus
    }
    return [
        FilterChip(
            labels[show],
            _url(list_query, show=show),
            filter_links.count_label(counts[show], most=MAX_COUNTED) if counts else "",
            list_query.show is show,
            "bad" if show is StatusFilter.PAST_DUE and counts.get(show) else "",
        )
        for show in StatusFilter
    ]


def _cells(invoice: Invoice, zone: tzinfo) -> list[str]:
    sums = invoice.sums
    amounts = (
        *(invoice.total_minor, sums.invoiced_minor, sums.paid_minor),
        *(sums.refunded_minor, sums.adjusted_minor, sums.balance_minor),
    )
    return [
        str(invoice.number or ""),
        csv_files.escaped(invoice.client.name),
        invoice_labels.status_label(invoice).label,
        invoice.dated_on.isoformat(),
        invoice.due_on.isoformat() if invoice.due_on else "",
        time_formatting.day_of(invoice.shared_at, zone).isoformat() if invoice.shared_at else "",
        invoice.currency,
        *(money.plain_decimal(minor, invoice.currency) for minor in amounts),
    ]
