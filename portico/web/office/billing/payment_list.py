"""The list of payments: by day and method, with totals, and as a CSV file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Payment, PaymentKind
from portico.domain.billing.payments import manual_payments, payment_list
from portico.domain.billing.payments.payment_list import MAX_DAYS, MethodTotal, PaymentFilter, PaymentTotals
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.text import money
from portico.plumbing.text.input_validation import is_unstorable
from portico.web import payment_labels
from portico.web.date_fields import CalendarInput, DayField, use_order_of
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = ("Receipt", "Date", "Client", "Method", "Details", "Recorded by", "Currency", "Amount", "Refunded")


class PaymentFilterForm(forms.Form):
    """The days and the method from the query string; defaults to all payments of the last 30 days."""

    use_required_attribute = False

    begins_on = DayField(label=gettext_lazy("First day"), widget=CalendarInput)
    ends_on = DayField(label=gettext_lazy("Last day"), widget=CalendarInput)
    kind = forms.ChoiceField(
        label=gettext_lazy("Method"), choices=[("", gettext_lazy("All methods")), *PaymentKind.choices], required=False
    )

    def __init__(self, query: Mapping[str, str], practice: Practice) -> None:
        self.default = payment_list.last_days(clock.today(practice.time_zone))
        defaults = {
            "begins_on": self.default.begins_on.isoformat(),
            "ends_on": self.default.ends_on.isoformat(),
            "kind": "",
        }
        super().__init__({name: query.get(name, default) for name, default in defaults.items()})
        use_order_of(practice.country, self)

    def clean_ends_on(self) -> date:
        begins_on: date | None = self.cleaned_data.get("begins_on")
        ends_on: date = self.cleaned_data["ends_on"]
        if begins_on and ends_on < begins_on:
            raise ValidationError(_("Choose a last day that is not before the first."))
        if begins_on and ends_on - begins_on >= timedelta(days=MAX_DAYS):
            raise ValidationError(_("Choose at most one year."))
        return ends_on

    @property
    def chosen(self) -> PaymentFilter:
        """Returns the filter; the default one if the input is not valid."""
        if not self.is_valid():
            return self.default
        kind = self.cleaned_data["kind"]
        days = self.cleaned_data["begins_on"], self.cleaned_data["ends_on"]
        return PaymentFilter(*days, PaymentKind(kind) if kind else None)


@dataclass(frozen=True)
class PaymentRow:
    """A payment with its name, such as "Check 1182", and whether it can be undone by the reader."""

    payment: Payment
    name: str
    is_undoable: bool


@dataclass(frozen=True)
class Day:
    """The payments of one day that are on this page, and the day's totals over all pages."""

    on: date
    totals: list[MethodTotal]
    rows: list[PaymentRow]

    @property
    def amount_minor(self) -> int:
        return sum(total.amount_minor for total in self.totals)


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    form = PaymentFilterForm(request.GET, request.practice)
    chosen, before = form.chosen, request.GET.get("before", "")
    page = payment_list.page(request.practice, chosen, before="" if is_unstorable(before) else before)
    totals = payment_list.totals(request.practice, chosen)
    context = {
        "form": form,
        "totals": totals,
        "days": _days(page.rows, totals, by=request.actor),
        "next_url": _url(chosen, before=page.next_ref) if page.next_ref else "",
        "first_url": "" if page.is_first else _url(chosen),
        "export_query": _url(chosen),
        "may_edit_billing": may_edit_billing(request),
    }
    return render(request, "office/payments/list.html", context)


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends the filtered list as CSV; redirects to the page if the filter is not valid."""
    form = PaymentFilterForm(request.GET, request.practice)
    if not form.is_valid():
        return redirect("office:payment_list")
    chosen = form.chosen
    audit_log.record(
        AuditAction.PAYMENTS_EXPORTED,
        practice=request.practice,
        by=request.actor,
        begins_on=chosen.begins_on.isoformat(),
        ends_on=chosen.ends_on.isoformat(),
        number=payment_list.totals(request.practice, chosen).number,
    )
    file_name = f"payments-{request.practice.slug}-{chosen.begins_on}-{chosen.ends_on}.csv"
    rows = (_cells(payment) for payment in payment_list.all_of(request.practice, chosen))
    return csv_files.streamed(file_name, COLUMNS, rows)


def _days(payments: list[Payment], totals: PaymentTotals, *, by: Actor) -> list[Day]:
    return [
        Day(
            on,
            totals.by_day.get(on, []),
            [
                PaymentRow(each, payment_labels.payment_name(each), manual_payments.may_undo(each, actor=by))
                for each in rows
            ],
        )
        for on, rows in groupby(payments, key=lambda payment: payment.received_on)
    ]


def _url(chosen: PaymentFilter, *, before: str = "") -> str:
    parameters = {
        "begins_on": chosen.begins_on.isoformat(),
        "ends_on": chosen.ends_on.isoformat(),
        "kind": chosen.kind.value if chosen.kind else "",
        "before": before,
    }
    return f"?{urlencode({name: value for name, value in parameters.items() if value})}"


def _cells(payment: Payment) -> list[str]:
    return [
        str(payment.number),
        payment.received_on.isoformat(),
        csv_files.escaped(payment.client.name),
        str(PaymentKind(payment.kind).label),
        csv_files.escaped(payment_labels.payment_name(payment)),
        csv_files.escaped(payment.recorded_by),
        payment.currency,
        money.plain_decimal(payment.amount_minor, payment.currency),
        money.plain_decimal(payment.refunded_minor, payment.currency),
    ]
