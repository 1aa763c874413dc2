"""Runs that share documents with many people: the list, and the progress of one until all is completed."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access.models import LeftOutReason, RunKind
from portico.domain.access.onboarding.invitation_runs import MAX_LISTED
from portico.domain.documents.sharing import document_runs
from portico.plumbing.mail import outbox
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.emails import email_labels
from portico.web.office.invitations.run_preview import get_run
from portico.web.office.invitations.run_progress import is_changing, list_page, reload_seconds
from portico.web.office.roles import CLIENT_EDITORS


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    """Lists the practice's runs, newest first."""
    context = list_page(request, document_runs.runs_of(request.practice), document_runs.progress_of)
    return render(request, "office/document_runs/index.html", context)


@office_page(*CLIENT_EDITORS)
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    run = get_run(request, ref, kinds=(RunKind.SHARE,))
    progress = document_runs.progress_of([run])[run.pk]
    left_out, undelivered = document_runs.left_out_of(run), document_runs.undelivered_of(run)
    changing = is_changing(run, progress.queued)
    context = {
        "run": run,
        "progress": progress,
        "documents": document_runs.titles_of(run),
        "left_out": [(LeftOutReason(reason), number) for reason, number in progress.left_out.items()],
        "left_out_items": [(each, LeftOutReason(each.reason).label) for each in left_out[:MAX_LISTED]],
        "undelivered": [
            (each, email_labels.status_details(each.email)) for each in undelivered[:MAX_LISTED] if each.email
        ],
        "has_more": len(left_out) > MAX_LISTED or len(undelivered) > MAX_LISTED,
        "most": MAX_LISTED,
        "is_changing": changing,
        "reload_seconds": reload_seconds(run),
        "outage": outbox.current_outage(request.practice) if changing else None,
    }
    return render(request, "office/document_runs/run.html", context)
