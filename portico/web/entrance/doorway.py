"""The portal’s own address: who lives here, and how to get in."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portico.domain.access import sessions
from portico.web.guards import client_session, open_page
from portico.web.requests import OpenRequest


@open_page
@require_safe
def show(request: OpenRequest) -> HttpResponse:
    """Whoever is signed in here goes on to their portal."""
    session = client_session(request, request.practice)
    if session is not None and sessions.opened(session).exists():
        return redirect("portal:home", slug=request.practice.slug)
    context = {"practice": request.practice, "signed_out": "signed-out" in request.GET}
    return render(request, "entrance/doorway.html", context)
