"""`Balances`: the clients who owe money, by the age of their debt, and reminders to all of them at once."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import debts_by_age
from portico.domain.billing.ledger.debts_by_age import Debt, Debts
from portico.domain.billing.reminders import by_hand
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text import money
from portico.web import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = ("Client", "Currency", "Not due", "1-30 days", "31-60 days", "61-90 days", "Over 90 days", "Total")


@dataclass(frozen=True)
class Row:
    """A client's debt; `reason` says why a reminder cannot be sent, empty if one can."""

    client: Client
    debt: Debt
    reason: str


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    debts = debts_by_age.debts_of(request.practice)
    rows = _rows(request, debts)
    context = {
        "rows": rows,
        "total": debts.total,
        "has_more": debts.has_more,
        "most": debts_by_age.MAX_CLIENTS,
        "reachable": sum(not row.reason for row in rows),
        "may_export": may_edit_billing(request),
    }
    return render(request, "office/invoices/balances.html", context)


@office_page()
@require_POST
def send_reminders(request: OfficeRequest) -> HttpResponse:
    recipients = by_hand.send(
        request.practice, request.POST.getlist("client")[: debts_by_age.MAX_CLIENTS], by=request.actor
    )
    number = sum(not each.reason for each in recipients)
    if number:
        message = ngettext(
            "A reminder to %(number)s client is on its way.",
            "Reminders to %(number)s clients are on their way.",
            number,
        )
        messages.success(request, message % {"number": number})
    elif not recipients:
        messages.error(request, _("Tick at least one client."))
    for each in recipients:
        if each.reason:
            message = _("%(name)s gets no reminder: %(reason)s.")
            messages.warning(request, message % {"name": each.client.name, "reason": each.reason})
    return redirect("office:balances")


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends the listed clients as CSV."""
    practice, debts = request.practice, debts_by_age.debts_of(request.practice)
    clients = Client.objects.in_bulk(debts.of_clients)
    audit_log.record(
        AuditAction.INVOICES_EXPORTED, practice=practice, by=request.actor, show="balances", number=len(clients)
    )
    rows = (
        [
            csv_files.escaped(clients[pk].name),
            practice.currency,
            *(money.plain_decimal(minor, practice.currency) for minor in (*debt.by_age, debt.total_minor)),
        ]
        for pk, debt in debts.of_clients.items()
    )
    file_name = f"balances-{practice.slug}-{clock.today(practice.time_zone):%Y-%m-%d}.csv"
    return csv_files.streamed(file_name, COLUMNS, rows)


def _rows(request: OfficeRequest, debts: Debts) -> list[Row]:
    recipients = {each.client.pk: each for each in by_hand.recipients_of(request.practice, debts.of_clients)}
    return [Row(recipients[pk].client, debt, recipients[pk].reason) for pk, debt in debts.of_clients.items()]
