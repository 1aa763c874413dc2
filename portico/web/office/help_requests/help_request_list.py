"""`Help requests`: who asked for help, how to call them, and what prevents them from signing in."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.access.help_requests import help_requests, matching_clients
from portico.domain.access.help_requests.matching_clients import MatchedRequest
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.plumbing.audit import audit_log
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.help_requests.help_request import DoneForm
from portico.web.office.roles import may_edit


class PageForm(forms.Form):
    """`open_after` and `after` are the refs of the last open or done request on the previous page."""

    open_after = forms.SlugField(max_length=26, required=False)
    after = forms.SlugField(max_length=26, required=False)


NO_ROWS = KeysetPage[HelpRequest]([], "", is_first=True)


@dataclass(frozen=True)
class OpenRow:
    """An open request with its clients, and the form that closes it."""

    matched: MatchedRequest
    form: DoneForm


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    """Shows the open requests, a page of them at a time, and below the first page those that are done, likewise."""
    page_form = PageForm(request.GET)
    page_form.is_valid()
    after, open_after = page_form.cleaned_data.get("after", ""), page_form.cleaned_data.get("open_after", "")
    still_open = done = NO_ROWS
    if not after:
        still_open = help_requests.open_requests(request.practice, after=open_after)
    if not open_after:
        done = help_requests.done_requests(request.practice, after=after)
    matched = matching_clients.match(request.practice, [*still_open.rows, *done.rows])
    audit_log.record(AuditAction.HELP_REQUESTS_VIEWED, practice=request.practice, by=request.actor)
    context = {
        "open_rows": [OpenRow(each, DoneForm(ref=each.request.ref)) for each in matched[: len(still_open.rows)]],
        "done_rows": matched[len(still_open.rows) :],
        "shows_open": not after,
        "may_edit": may_edit(request),
        "open_next_url": f"?{urlencode({'open_after': still_open.next_ref})}" if still_open.next_ref else "",
        "done_next_url": f"?{urlencode({'after': done.next_ref})}" if done.next_ref else "",
        "first_url": "?" if after or open_after else "",
    }
    return render(request, "office/help_requests/index.html", context)
