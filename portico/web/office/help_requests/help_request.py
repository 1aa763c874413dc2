"""One help request beside the steps of its client, so that staff can answer it; and `Done`."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import access_lookups, revocation
from portico.domain.access.diagnosis import portal_history
from portico.domain.access.help_requests import help_requests, matching_clients
from portico.domain.access.help_requests.matching_clients import MatchedClient, MatchedRequest
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.plumbing import clock
from portico.plumbing.audit import audit_log
from portico.plumbing.text import input_validation
from portico.web import redirects
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.client_portal.diagnosis.chain_context import chain_context
from portico.web.office.roles import CLIENT_EDITORS, may_edit
from portico.web.office.shown_refusals import show_refusal


class DoneForm(OfficeForm):
    """The note of the staff member who closes the request."""

    note = line_field(gettext_lazy("Note"), longest=500)

    def __init__(self, data: object | None = None, *, ref: str) -> None:
        # The id of the field is the request's: the list has one such form for each.
        super().__init__(data, auto_id=f"{ref}_%s")


@office_page()
@require_safe
def show(request: OfficeRequest, ref: str) -> HttpResponse:
    """Shows the request, and the steps of the person whom the query names by `client` and `access`, else the first."""
    return _page(request, _get(request, ref), DoneForm(ref=ref))


@office_page(*CLIENT_EDITORS)
@require_POST
def close(request: OfficeRequest, ref: str) -> HttpResponse:
    """Marks a request as done, with a note."""
    help_request = _get(request, ref)
    form = DoneForm(request.POST, ref=ref)
    if not form.is_valid():
        return _page(request, help_request, form, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    with show_refusal(request):
        help_requests.close(help_request, note=form.cleaned_data["note"], by=request.actor)
        messages.success(request, _("The request from %(name)s is done.") % {"name": help_request.name})
    return redirect("office:help_requests")


def _get(request: OfficeRequest, ref: str) -> HelpRequest:
    rows = help_requests.with_people(HelpRequest.objects.filter(practice=request.practice))
    found = None if input_validation.is_unstorable(ref) else rows.filter(ref=ref).first()
    if found is None:
        raise Http404
    return found


def _page(
    request: OfficeRequest, help_request: HelpRequest, form: DoneForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    (matched,) = matching_clients.match(request.practice, [help_request])
    chosen = _chosen(request, matched)
    context: dict[str, object] = {
        "each": matched,
        "form": form,
        "chosen": chosen,
        "client": chosen.client if chosen is not None else None,
        "may_edit": may_edit(request),
    }
    if chosen is not None:
        context |= _chain(request, chosen)
    audit_log.record(
        AuditAction.HELP_REQUESTS_VIEWED,
        practice=request.practice,
        client=chosen.client if chosen is not None else None,
        by=request.actor,
        about=help_request.ref,
        **(chosen.names if chosen is not None else {}),
    )
    return render(request, "office/help_requests/show.html", context, status=status)


def _chosen(request: OfficeRequest, matched: MatchedRequest) -> MatchedClient | None:
    named = (request.GET.get("client", ""), request.GET.get(redirects.ACCESS_PARAMETER, ""))
    by_refs = {(each.client.ref, each.relationship.ref if each.relationship else ""): each for each in matched.clients}
    return by_refs.get(named) or next(iter(matched.clients), None)


def _chain(request: OfficeRequest, chosen: MatchedClient) -> dict[str, object]:
    found = lookups.client_for_portal_tab(request, chosen.client.ref)
    access, has_addresses = found.access, bool(found.addresses)
    if chosen.relationship is not None:
        access = access_lookups.access_of(found.client, chosen.relationship)
        has_addresses = chosen.relationship.contact.email_addresses.open().exists()
    return chain_context(
        request,
        found.client,
        access,
        portal_history.load(found.client, access),
        sessions=revocation.sessions_of(access),
        has_addresses=has_addresses,
        at=clock.now(),
        is_on_tab=False,
        relationship=chosen.relationship,
    )
