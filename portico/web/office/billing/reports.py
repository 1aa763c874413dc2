"""The practice's totals, and a bar chart of the last months."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import reports
from portico.domain.billing.ledger.reports import Month
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text import money
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = ("Month", "Currency", "Invoiced", "Paid", "Refunded", "Adjusted")


@dataclass(frozen=True)
class Bar:
    """One month's two bars, as percentages of the highest; a table below the chart has the same figures."""

    month: Month
    billed_height: int
    paid_height: int

    @property
    def billed_top(self) -> int:
        return 100 - self.billed_height

    @property
    def paid_top(self) -> int:
        return 100 - self.paid_height


@office_page()
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    totals = reports.totals_of(request.practice)
    context = {"figures": totals, "bars": _bars(totals.months), "may_export": may_edit_billing(request)}
    return render(request, "office/invoices/reports.html", context)


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends the sums of each month as CSV: invoiced - paid + refunded + adjusted is what the balance changed by."""
    currency, months = request.practice.currency, reports.months_of(request.practice)
    audit_log.record(
        AuditAction.REPORTS_EXPORTED,
        practice=request.practice,
        by=request.actor,
        first_month=f"{months[0].first:%Y-%m}",
        number=len(months),
    )
    rows = (
        [f"{month.first:%Y-%m}", currency, *(money.plain_decimal(minor, currency) for minor in _amounts(month))]
        for month in months
    )
    today = clock.today(request.practice.time_zone)
    return csv_files.streamed(f"reports-{request.practice.slug}-{today}.csv", COLUMNS, rows)


def _amounts(month: Month) -> tuple[int, ...]:
    sums = month.sums
    return sums.invoiced_minor, sums.paid_minor, sums.refunded_minor, sums.adjusted_minor


def _bars(months: tuple[Month, ...]) -> list[Bar]:
    highest = max(1, *(max(month.sums.invoiced_minor, month.sums.paid_minor) for month in months))
    return [
        Bar(month, round(100 * month.sums.invoiced_minor / highest), round(100 * month.sums.paid_minor / highest))
        for month in months
    ]
