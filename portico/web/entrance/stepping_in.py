"""The last step of every way in: the session goes into the browser, and the portal's home opens."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect

from portico.domain.access import sessions
from portico.domain.access.arriving import Visitor
from portico.domain.access.browsers import REMEMBERED
from portico.domain.access.sessions import Begun
from portico.web import cookies
from portico.web.guards import client_session
from portico.web.requests import OpenRequest


def step_in(request: OpenRequest, begun: Begun, visitor: Visitor) -> HttpResponse:
    """Whoever was signed in here before is signed out first."""
    earlier = client_session(request, request.practice)
    if earlier is not None:
        sessions.end(earlier, by=sessions.actor_of(begun.session))
    response = redirect("portal:home", slug=request.practice.slug)
    cookies.give(response, settings.CLIENT_COOKIE_NAME, begun.key)
    cookies.give(response, settings.BROWSER_COOKIE_NAME, visitor.key, max_age=int(REMEMBERED.total_seconds()))
    return response
