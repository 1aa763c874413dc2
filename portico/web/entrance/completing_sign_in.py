"""The last step of every way in: the session goes into the browser, and the portal opens."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portico.domain.access import portal_accounts
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.known_browsers import RETENTION
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.clients.models import Language
from portico.web import languages, portal_redirects
from portico.web.guards import client_session
from portico.web.http import cookies
from portico.web.http.request_types import OpenRequest


def complete_sign_in(request: OpenRequest, begun: StartedSession, visitor: Browser) -> HttpResponse:
    """Leads to where the person was going, else Home. Whoever was signed in here before is signed out first."""
    earlier = client_session(request, request.practice)
    if earlier is not None:
        portal_sessions.end(earlier, by=portal_sessions.actor_of(begun.session))
    if language := languages.chosen_language(request):
        # Chosen at the door, by whoever has now come in.
        by = portal_sessions.actor_of(begun.session)
        portal_accounts.choose_language(begun.session.account, Language(language), by=by)
    home = reverse("portal:home", kwargs={"slug": request.practice.slug})
    response = redirect(portal_redirects.safe_path(request.practice, begun.goes_to) or home)
    # Whoever sits here next must not find the address that was typed.
    cookies.delete_cookie(response, settings.ASKING_COOKIE_NAME)
    cookies.set_cookie(response, settings.CLIENT_COOKIE_NAME, begun.key)
    cookies.set_cookie(response, settings.BROWSER_COOKIE_NAME, visitor.key, max_age=int(RETENTION.total_seconds()))
    return response
