"""The last step of every sign-in method: sets the session cookie and redirects into the portal."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portico.domain.access import portal_accounts
from portico.domain.access.notices.known_browsers import RETENTION
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.clients.models import Language
from portico.web import languages, redirects
from portico.web.guards import client_session
from portico.web.http import cookies
from portico.web.http.request_types import OpenRequest


def complete_sign_in(request: OpenRequest, started: StartedSession, browser: Browser) -> HttpResponse:
    """Ends an earlier session of this browser, sets the cookies and redirects to the requested page, else Home."""
    previous = client_session(request, request.practice)
    if previous is not None:
        portal_sessions.end(previous, by=portal_sessions.actor_of(started.session))
    if language := languages.chosen_language(request):
        # Chosen before signing in.
        by = portal_sessions.actor_of(started.session)
        portal_accounts.choose_language(started.session.account, Language(language), by=by)
    home = reverse("portal:home", kwargs={"slug": request.practice.slug})
    response = redirect(redirects.safe_portal_path(request.practice, started.goes_to) or home)
    # The next person at this browser must not see the address that was typed.
    cookies.delete_cookie(response, settings.ASKING_COOKIE_NAME)
    cookies.set_cookie(response, settings.CLIENT_COOKIE_NAME, started.key)
    cookies.set_cookie(response, settings.BROWSER_COOKIE_NAME, browser.key, max_age=int(RETENTION.total_seconds()))
    return response
