"""`View as client`: opens the portal as the client sees it, read-only."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.access import client_views
from portico.domain.access.models import ViewEnd
from portico.domain.clients.client_details import ClientArchived
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, Relationship
from portico.web import view_as_client
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import fix_urls, lookups
from portico.web.office.base_form import OfficeForm, line_field, posted
from portico.web.office.client_portal import contacts_card
from portico.web.office.roles import CLIENT_EDITORS


class ViewForm(OfficeForm):
    reason = line_field(gettext_lazy("Reason"), longest=200)


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: OfficeRequest, ref: str) -> HttpResponse:
    client, form = lookups.get_client(request, ref), ViewForm(posted(request))
    relationship = lookups.relationship_in_query(request, client)
    if not form.is_valid():
        return _page(request, client, relationship, form)
    reason, session_ref = form.cleaned_data["reason"], request.session.row.ref if request.session.row else ""
    try:
        started = client_views.start(
            client, staff=request.staff, session_ref=session_ref, reason=reason, relationship=relationship
        )
    except (ClientArchived, RelationshipEnded) as refusal:
        return _page(request, client, relationship, form.refused(refusal))
    response = redirect("portal:home", slug=request.practice.slug)
    view_as_client.set_view_cookie(response, started)
    return response


def _page(request: OfficeRequest, client: Client, relationship: Relationship | None, form: ViewForm) -> HttpResponse:
    called = client.called if relationship is None else relationship.contact.first_name
    context = {
        "client": client,
        "relationship": relationship,
        "called": called,
        "of_access": fix_urls.access_query(relationship),
        "contact_rows": contacts_card.rows_of(client),
        "form": form,
        "ended": _ended_message(request.GET.get(view_as_client.ENDED_PARAMETER, ""), called),
        "minutes": int(client_views.LIFETIME.total_seconds() // 60),
    }
    return render(request, "office/client_portal/start_view.html", context, status=form.page_status)


def _ended_message(because: str, called: str) -> str:
    """Returns why the last view ended by itself, for which the URL has the reason; empty if it has none."""
    match because:
        case ViewEnd.EXPIRED:
            text = _("The view of %(name)s’s portal ended after %(minutes)d minutes.")
        case ViewEnd.NOT_ALLOWED:
            text = _("The view of %(name)s’s portal ended because you signed out or may no longer open it.")
        case _other:
            return ""
    minutes = int(client_views.LIFETIME.total_seconds() // 60)
    return text % {"name": called, "minutes": minutes}
