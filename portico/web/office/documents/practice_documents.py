"""The practice's `Documents`: what waits, is stuck, to be reviewed, due again or declined; and their export."""

from collections.abc import Sequence
from datetime import tzinfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.documents import practice_documents
from portico.domain.documents.models import DocumentRequest, RequestState, TemplateKind
from portico.domain.documents.practice_documents import STUCK_AFTER, Filter
from portico.domain.practices.models import CLIENT_EDITORS
from portico.plumbing import clock, tokens
from portico.plumbing.audit import audit_log
from portico.plumbing.text import time_formatting
from portico.web.files import csv_files
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.documents.state_labels import PILLS
from portico.web.office.sign_in.reauthentication import recently_verified

COLUMNS = (
    *("Client", "Recipient", "Document", "Kind", "Status"),
    *("Shared", "Opened", "Started", "Completed", "Reviewed", "Declined", "Signed on paper"),
)
FILTERS = {
    Filter.WAITING: _("Waiting for the client"),
    Filter.STUCK: format_lazy(_("Waiting {days} days or more"), days=STUCK_AFTER.days),
    Filter.TO_REVIEW: _("To review"),
    Filter.REVIEWED: _("Reviewed"),
    Filter.DECLINED: _("Declined"),
    Filter.DUE_AGAIN: _("Due again"),
}


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    chosen = _chosen(request)
    page = practice_documents.list_for(request.practice, chosen, before=request.GET.get("before", ""))
    context = {
        "rows": [(each, RequestState(each.state)) for each in page.rows],
        "filters": FILTERS,
        "chosen": chosen,
        "next_before": page.next_ref,
        "is_later_page": not page.is_first,
        "pills": PILLS,
        # A key for each button: two documents of one person are two forms.
        "form_keys": {each.ref: tokens.new_token() for each in page.rows} if chosen == Filter.DUE_AGAIN else {},
        "may_remind": chosen in (Filter.WAITING, Filter.STUCK),
    }
    return render(request, "office/documents/list.html", context)


@office_page(*CLIENT_EDITORS)
@recently_verified
@require_safe
def export(request: OfficeRequest) -> HttpResponse:
    """Sends all documents of the list as CSV, with formulas escaped."""
    practice, chosen = request.practice, _chosen(request)
    number = practice_documents.number_of(practice, chosen)
    audit_log.record(
        AuditAction.DOCUMENTS_EXPORTED, practice=practice, by=request.actor, show=chosen.value, number=number
    )
    file_name = f"documents-{practice.slug}-{clock.today(practice.time_zone):%Y-%m-%d}.csv"
    rows = (_cells(each, practice.zone) for each in practice_documents.all_of(practice, chosen))
    return csv_files.streamed(file_name, COLUMNS, rows)


def _chosen(request: OfficeRequest) -> Filter:
    show = request.GET.get("show", "")
    return Filter(show) if show in set(Filter) else Filter.WAITING


def _cells(request: DocumentRequest, zone: tzinfo) -> Sequence[str]:
    row = request.__dict__  # The annotated columns.
    signed_on = row["signed_on"]
    times = (
        *(request.sent_at, request.opened_at, request.started_at),
        *(request.completed_at, request.reviewed_at, request.declined_at),
    )
    return (
        csv_files.escaped(request.client.name),
        csv_files.escaped(request.access.holder_name()),
        csv_files.escaped(row["title"]),
        str(TemplateKind(row["kind"]).label),
        str(RequestState(request.state).label),
        *(time_formatting.day_of(at, zone).isoformat() if at else "" for at in times),
        signed_on.isoformat() if signed_on else "",
    )
