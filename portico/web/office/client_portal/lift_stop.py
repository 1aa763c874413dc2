"""`Lift the stop`: allows email to a client's address again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portico.domain.access import mail_stops
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.client_portal import shown_access
from portico.web.office.roles import CLIENT_EDITORS
from portico.web.office.shown_refusals import show_refusal


@office_page(*CLIENT_EDITORS)
@require_POST
def lift(request: OfficeRequest, ref: str) -> HttpResponse:
    """Lifts the stop; the tick `They asked us to` is needed after a complaint."""
    client = lookups.get_client(request, ref)
    relationship = lookups.relationship_in_query(request, client)
    with show_refusal(request):
        stop = mail_stops.lift(client, relationship, asked_to="asked_to" in request.POST, by=request.actor)
        if stop is None:
            messages.info(request, _("Email to this address is already allowed."))
        else:
            words = _("Email to %(name)s is allowed again. The next email will be sent.")
            messages.success(
                request, words % {"name": client.called if relationship is None else relationship.contact.first_name}
            )
    return redirect(shown_access.url_of(client, relationship))
