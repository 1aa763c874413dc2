"""`Help requests`: who asked for help, how to call them, what prevents them from signing in, and `Done`."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access.help_requests import help_requests, matching_clients
from portico.domain.access.help_requests.matching_clients import MatchedRequest
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.plumbing.audit import audit_log
from portico.plumbing.database.keyset_pagination import KeysetPage
from portico.plumbing.text import input_validation
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.roles import CLIENT_EDITORS, may_edit
from portico.web.office.shown_refusals import show_refusal


class PageForm(forms.Form):
    """`open_after` and `after` are the refs of the last open or done request on the previous page."""

    open_after = forms.SlugField(max_length=26, required=False)
    after = forms.SlugField(max_length=26, required=False)


class DoneForm(OfficeForm):
    """The note of the staff member who closes the request."""

    note = line_field(gettext_lazy("Note"), longest=500)

    def __init__(self, data: object | None = None, *, ref: str) -> None:
        # The id of the field is the request's: the page has one such form for each.
        super().__init__(data, auto_id=f"{ref}_%s")


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
    return _page(request, None)


@office_page(*CLIENT_EDITORS)
@require_POST
def close(request: OfficeRequest, ref: str) -> HttpResponse:
    """Marks a request as done, with a note."""
    help_request = _get(request, ref)
    form = DoneForm(request.POST, ref=ref)
    if not form.is_valid():
        return _page(request, form, bound_ref=ref, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    with show_refusal(request):
        help_requests.close(help_request, note=form.cleaned_data["note"], by=request.actor)
        messages.success(request, _("The request from %(name)s is done.") % {"name": help_request.name})
    return redirect("office:help_requests")


def _get(request: OfficeRequest, ref: str) -> HelpRequest:
    rows = HelpRequest.objects.filter(practice=request.practice)
    found = None if input_validation.is_unstorable(ref) else rows.filter(ref=ref).first()
    if found is None:
        raise Http404
    return found


def _page(
    request: OfficeRequest, bound: DoneForm | None, *, bound_ref: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
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
        "open_rows": [
            OpenRow(
                each, bound if bound is not None and each.request.ref == bound_ref else DoneForm(ref=each.request.ref)
            )
            for each in matched[: len(still_open.rows)]
        ],
        "done_rows": matched[len(still_open.rows) :],
        "shows_open": not after,
        "may_edit": may_edit(request),
        "open_next_url": f"?{urlencode({'open_after': still_open.next_ref})}" if still_open.next_ref else "",
        "done_next_url": f"?{urlencode({'after': done.next_ref})}" if done.next_ref else "",
        "first_url": "?" if after or open_after else "",
    }
    return render(request, "office/help_requests/index.html", context, status=status)
