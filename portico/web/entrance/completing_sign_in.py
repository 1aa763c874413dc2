"""The last step of every way in: the session goes into the browser, and the portal opens."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portico.domain.access import portal_accounts
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Visitor
from portico.domain.access.sign_in.known_browsers import REMEMBERED
from portico.domain.access.sign_in.portal_sessions import Begun
from portico.domain.clients.models import Language
from portico.web import languages, portal_redirects
from portico.web.guards import client_session
from portico.web.http import cookies
from portico.web.http.request_types import OpenRequest


def step_in(request: OpenRequest, begun: Begun, visitor: Visitor) -> HttpResponse:
    """Leads to where the person was going, else Home. Whoever was signed in here before is signed out first."""
    earlier = client_session(request, request.practice)
    if earlier is not None:
        portal_sessions.end(earlier, by=portal_sessions.actor_of(begun.session))
    if language := languages.chosen(request):
        # Chosen at the door, by whoever has now come in.
        by = portal_sessions.actor_of(begun.session)
        portal_accounts.choose_language(begun.session.account, Language(language), by=by)
    home = reverse("portal:home", kwargs={"slug": request.practice.slug})
    response = redirect(portal_redirects.own_place(request.practice, begun.goes_to) or home)
    # Whoever sits here next must not find the address that was typed.
    cookies.take(response, settings.ASKING_COOKIE_NAME)
    cookies.give(response, settings.CLIENT_COOKIE_NAME, begun.key)
    cookies.give(response, settings.BROWSER_COOKIE_NAME, visitor.key, max_age=int(REMEMBERED.total_seconds()))
    return response
