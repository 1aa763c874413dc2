"""Ends a client's portal sessions: one, or all together with links, codes and PINs."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portico.domain.access import access_lookups, revocation
from portico.domain.clients.models import Client, Relationship
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.client_portal import shown_access
from portico.web.office.roles import CLIENT_EDITORS


@office_page(*CLIENT_EDITORS)
@require_POST
def revoke_all(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    revocation.revoke_all(client, relationship, by=request.actor)
    messages.success(
        request,
        _(
            "%(name)s was signed out everywhere. All links, codes and PINs were canceled. Access settings "
            "haven’t changed."
        )
        % {"name": _called(client, relationship)},
    )
    return redirect(shown_access.url_of(client, relationship))


@office_page(*CLIENT_EDITORS)
@require_POST
def end_session(request: OfficeRequest, ref: str, session: str) -> HttpResponse:
    """Ends one session. Succeeds also if it has already ended."""
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    access = access_lookups.access_of(client, relationship)
    row = access.account.sessions.filter(ref=session).first() if access and access.account else None
    if row is None or (row.only_client_id or client.pk) != client.pk:
        raise Http404
    revocation.end_session(client, row, by=request.actor)
    messages.success(request, _("The device was signed out."))
    return redirect(shown_access.url_of(client, relationship))


def _called(client: Client, relationship: Relationship | None) -> str:
    return client.called if relationship is None else relationship.contact.first_name
