"""Whom a mailbox with several clients is looking at."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portico.domain.access import sessions
from portico.web.guards import portal_door
from portico.web.requests import PortalRequest


@portal_door
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        return _choose(request, request.POST.get("client", ""))
    if len(request.accesses) == 1:
        return redirect("portal:home", slug=request.practice.slug)
    context = {"practice": request.practice, "people": request.accesses}
    return render(request, "portal/who.html", context)


def _choose(request: PortalRequest, ref: str) -> HttpResponse:
    for access in request.accesses:
        if access.client.ref == ref:
            sessions.look_at_client(request.portal_session, access)
            return redirect("portal:home", slug=request.practice.slug)
    raise Http404
