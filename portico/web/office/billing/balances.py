"""`Balances`: the clients who owe money, by the age of their debt, and reminders to all of them at once."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import debts_by_age
from portico.domain.billing.ledger.debts_by_age import Debt, DebtPage
from portico.domain.billing.reminders import by_hand
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text import money
from portico.plumbing.text.input_validation import is_unstorable
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.roles import BILLING_EDITORS, may_edit_billing
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = ("Client", "Currency", "Not due", "1-30 days", "31-60 days", "61-90 days", "Over 90 days", "Total")


@dataclass(frozen=True)
class BalanceRow:
    """A client's debt; `reason` says why a reminder cannot be sent, empty if one can."""

    client: Client
    debt: Debt
    reason: str


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    after = request.GET.get("after", "")
    position = debts_by_age.position_of(request.practice, after) if after and not is_unstorable(after) else None
    page, totals = debts_by_age.page_of(request.practice, after=position), debts_by_age.totals_of(request.practice)
    if position is not None and not page.of_clients:
        # Those who were listed after it have paid meanwhile.
        return redirect("office:balances")
    rows = _rows(request, page)
    # Nothing is selected at first. With JavaScript the link that changes it does not load the page again.
    are_all_checked = request.GET.get("select") == "all"
    here = {"after": after} if position is not None else {}
    context = {
        "rows": rows,
        "total": totals.total,
        "number": totals.clients,
        "next_url": f"?after={rows[-1].client.ref}" if page.last is not None else "",
        "first_url": "" if position is None else reverse("office:balances"),
        "reachable": sum(not row.reason for row in rows),
        "are_all_checked": are_all_checked,
        "other_selection_url": reverse("office:balances", query=here if are_all_checked else here | {"select": "all"}),
        "may_export": may_edit_billing(request),
    }
    return render(request, "office/invoices/balances.html", context)


@office_page()
@require_POST
def send_reminders(request: OfficeRequest) -> HttpResponse:
    sent = by_hand.send(request.practice, request.POST.getlist("client")[: debts_by_age.PAGE_SIZE], by=request.actor)
    if number := len(sent.emails):
        message = ngettext("%(number)d reminder is on its way.", "%(number)d reminders are on their way.", number)
        messages.success(request, message % {"number": number})
    elif not sent.recipients:
        messages.error(request, _("Check at least one client."))
    for each in sent.recipients:
        if each.reason:
            message = _("%(name)s gets no reminder: %(reason)s.")
            messages.warning(request, message % {"name": each.client.name, "reason": each.reason})
    return redirect("office:balances")


@office_page(*BILLING_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends all clients who owe something as CSV."""
    practice, number = request.practice, debts_by_age.totals_of(request.practice).clients
    audit_log.record(AuditAction.INVOICES_EXPORTED, practice=practice, by=request.actor, show="balances", number=number)
    rows = (cells for page in debts_by_age.all_of(practice) for cells in _cells(practice, page))
    file_name = f"balances-{practice.slug}-{clock.today(practice.time_zone):%Y-%m-%d}.csv"
    return csv_files.streamed(file_name, COLUMNS, rows)


def _cells(practice: Practice, debts: dict[int, Debt]) -> Iterator[list[str]]:
    clients = Client.objects.in_bulk(debts)
    for pk, debt in debts.items():
        amounts = (money.plain_decimal(minor, practice.currency) for minor in (*debt.by_age, debt.total_minor))
        yield [csv_files.escaped(clients[pk].name), practice.currency, *amounts]


def _rows(request: OfficeRequest, page: DebtPage) -> list[BalanceRow]:
    recipients = {each.client.pk: each for each in by_hand.recipients_of(request.practice, page.of_clients)}
    return [BalanceRow(recipients[pk].client, debt, recipients[pk].reason) for pk, debt in page.of_clients.items()]
