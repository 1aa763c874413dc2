"""Whom a mailbox with several clients is looking at."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portico.domain.access import accounts, sessions
from portico.domain.access.models import PortalAccess
from portico.domain.billing import waiting
from portico.domain.billing.waiting import Bills
from portico.domain.clients.models import Language
from portico.web import going, languages
from portico.web.guards import portal_door
from portico.web.requests import PortalRequest


@dataclass(frozen=True)
class Person:
    """Somebody whom the mailbox sees. `bills` says what waits, if their billing documents may be seen at all."""

    access: PortalAccess
    bills: Bills | None


def seen_by(request: PortalRequest) -> list[Person]:
    """Everybody whom the mailbox sees, with what waits for them."""
    allowed = [access.client for access in request.accesses if access.sees_bills]
    found = waiting.of(allowed) if allowed else {}
    return [Person(access, found.get(access.client_id)) for access in request.accesses]


@portal_door
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: PortalRequest) -> HttpResponse:
    if request.method == "POST":
        return _choose(request, request.POST.get("client", ""))
    if len(request.accesses) == 1:
        return redirect(_onward(request))
    context = {"practice": request.practice, "persons": seen_by(request), "next": going.asked_for(request)}
    return render(request, "portal/who.html", context)


def _choose(request: PortalRequest, ref: str) -> HttpResponse:
    for access in request.accesses:
        if access.client.ref == ref:
            sessions.look_at_client(request.portal_session, access)
            if language := languages.chosen(request):
                # Pressed at the foot of the chooser, perhaps.
                accounts.choose_language(request.account, Language(language), by=request.actor)
            return redirect(_onward(request))
    raise Http404


def _onward(request: PortalRequest) -> str:
    """Where the person was going when they were asked, else Home."""
    return going.asked_for(request) or reverse("portal:home", kwargs={"slug": request.practice.slug})
