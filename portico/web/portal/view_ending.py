"""`End view`: ends a view of the portal by staff."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from portico.web import view_as_client
from portico.web.guards import open_page
from portico.web.http.request_types import OpenRequest


@open_page
@require_POST
def end(request: OpenRequest) -> HttpResponse:
    """Ends the view of this browser and returns to the client's tab; without a view, redirects to the entrance."""
    view = view_as_client.end(request)
    if view is None:
        response = redirect("entrance:doorway", slug=request.practice.slug)
    else:
        tab = reverse("office:client_portal", kwargs={"ref": view.client.ref})
        response = redirect(f"{tab}{view_as_client.query_of_contact(view)}")
    view_as_client.delete_view_cookie(response, request.practice)
    return response
