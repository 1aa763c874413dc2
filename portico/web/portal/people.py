"""Whom a mailbox with several clients is looking at."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portico.domain.access import sessions
from portico.web import going
from portico.web.guards import portal_door
from portico.web.requests import PortalRequest


@portal_door
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        return _choose(request, request.POST.get("client", ""))
    if len(request.accesses) == 1:
        return redirect(_onward(request))
    context = {"practice": request.practice, "people": request.accesses, "next": going.asked_for(request)}
    return render(request, "portal/who.html", context)


def _choose(request: PortalRequest, ref: str) -> HttpResponse:
    for access in request.accesses:
        if access.client.ref == ref:
            sessions.look_at_client(request.portal_session, access)
            return redirect(_onward(request))
    raise Http404


def _onward(request: PortalRequest) -> str:
    """Where the person was going when they were asked, else Home."""
    return going.asked_for(request) or reverse("portal:home", kwargs={"slug": request.practice.slug})
