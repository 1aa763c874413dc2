"""Runs of invitations: the list, the progress of one until its clients have signed in, pause and stop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access.models import InvitationRun, InvitationRunItem, LeftOutReason, RunKind
from portico.domain.access.onboarding import invitation_runs
from portico.domain.access.onboarding.invitation_runs import MAX_LISTED
from portico.plumbing.database import keyset_pagination
from portico.plumbing.mail import outbox
from portico.plumbing.text import input_validation
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.emails import email_labels
from portico.web.office.invitations.run_preview import get_run
from portico.web.office.roles import CLIENT_EDITORS

PAGE_SIZE = 25
RELOAD_SECONDS = 2
# Counting 5,000 clients takes about 60 ms, for each person who looks.
LARGE_RUN = 500
RELOAD_SECONDS_OF_LARGE = 10


@dataclass(frozen=True)
class ProblemRow:
    """A client of a run who did not get the invitation, and why."""

    item: InvitationRunItem
    words: str


@office_page(*CLIENT_EDITORS)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    """Lists the practice's runs, newest first."""
    context = list_page(request, invitation_runs.runs_of(request.practice), invitation_runs.progress_of)
    return render(request, "office/invitations/index.html", context)


@office_page(*CLIENT_EDITORS)
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    run = get_run(request, ref)
    progress = invitation_runs.progress_of([run])[run.pk]
    problems = invitation_runs.problems_of(run)
    changing = is_changing(run, progress.queued)
    context = {
        "run": run,
        "progress": progress,
        "left_out": [(LeftOutReason(reason), number) for reason, number in progress.left_out.items()],
        "problems": [ProblemRow(item, _words_of(item)) for item in problems[:MAX_LISTED]],
        "has_more": len(problems) > MAX_LISTED,
        "most": MAX_LISTED,
        "is_changing": changing,
        "reload_seconds": reload_seconds(run),
        "outage": outbox.current_outage(request.practice) if changing else None,
    }
    return render(request, "office/invitations/run.html", context)


@office_page(*CLIENT_EDITORS)
@require_POST
def pause(request: OfficeRequest, ref: str) -> HttpResponse:
    """Pauses a run, of invitations or documents."""
    run = get_run(request, ref, kinds=RunKind)
    invitation_runs.pause(run, by=request.actor)
    messages.success(request, _("Paused. No more are queued. Those already queued are still sent."))
    return _back_to(run)


@office_page(*CLIENT_EDITORS)
@require_POST
def resume(request: OfficeRequest, ref: str) -> HttpResponse:
    run = get_run(request, ref, kinds=RunKind)
    invitation_runs.resume(run, by=request.actor)
    return _back_to(run)


@office_page(*CLIENT_EDITORS)
@require_POST
def stop(request: OfficeRequest, ref: str) -> HttpResponse:
    run = get_run(request, ref, kinds=RunKind)
    invitation_runs.stop(run, by=request.actor)
    if run.kind == RunKind.SHARE:
        messages.success(request, _("Stopped. The people who were still waiting get no documents."))
    else:
        messages.success(request, _("Stopped. The clients who had not been invited yet get no email."))
    return _back_to(run)


def reload_seconds(run: InvitationRun) -> int:
    """Returns after how many seconds the page of a run in progress loads itself again."""
    return RELOAD_SECONDS if run.total <= LARGE_RUN else RELOAD_SECONDS_OF_LARGE


def _back_to(run: InvitationRun) -> HttpResponse:
    return redirect("office:document_run" if run.kind == RunKind.SHARE else "office:invitation_run", ref=run.ref)


def _words_of(item: InvitationRunItem) -> str:
    if item.invitation is None:
        return str(LeftOutReason(item.reason).label)
    return email_labels.status_details(item.invitation.email)


def is_changing(run: InvitationRun, number_queued: int) -> bool:
    """Returns True while the worker changes the numbers: the page then loads itself again."""
    return number_queued > 0 or not (run.is_over or run.is_paused)


def list_page[T](
    request: OfficeRequest,
    runs: QuerySet[InvitationRun],
    progress_of: Callable[[Sequence[InvitationRun]], Mapping[int, T]],
) -> dict[str, object]:
    """Returns the context of a list of runs, newest first, each with its progress or None if it is not counted."""
    after = request.GET.get("after", "")
    position = keyset_pagination.position_of(runs, "" if input_validation.is_unstorable(after) else after)
    page = keyset_pagination.newest_first(runs, after=position, size=PAGE_SIZE)
    progress = progress_of(invitation_runs.newest_to_count(page.rows))
    return {
        "rows": [(run, progress.get(run.pk)) for run in page.rows],
        "next_url": f"?after={page.next_ref}" if page.next_ref else "",
        "first_url": "" if page.is_first else "?",
    }
