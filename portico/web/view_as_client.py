"""`View as client`: portal pages as shown to staff, read-only, under the staff member's own name.

While a browser has the cookie of an open view, the portal's pages show the view, not the session of a client who is
signed in in the same browser; that session is left as it is.
"""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode

from portico.domain.access import client_views
from portico.domain.access.client_views import StartedView, ViewIsReadOnly
from portico.domain.access.models import ClientView, ViewEnd
from portico.domain.practices.models import Practice
from portico.web import languages, redirects
from portico.web.error_pages import PracticePaused
from portico.web.http import cookies
from portico.web.http.request_types import OpenRequest, PortalRequest

# Query parameter of the office page to which the browser is redirected when a view ends by itself.
ENDED_PARAMETER = "ended"


def view_in_browser(request: HttpRequest, slug: str) -> ClientView | None:
    """Returns the view of this browser at the practice, which may have expired; without its cookie, runs no query."""
    key = request.COOKIES.get(settings.VIEW_COOKIE_NAME, "")
    return client_views.find(slug, key) if key else None


def respond(
    request: HttpRequest, view: ClientView, page: Callable[[PortalRequest], HttpResponse]
) -> HttpResponse | None:
    """Returns the page as the client would see it, after recording it in the audit log.

    If the view must end, redirects to the office; returns None for a form, which may be that of a client who is
    signed in in this browser. Raises ViewIsReadOnly for a form, and PracticePaused.
    """
    request.practice = view.practice  # type: ignore[attr-defined]  # For error pages.
    is_read = request.method in {"GET", "HEAD"}
    if because := client_views.reason_to_end(view):
        client_views.end(view, because, by=view.staff.actor)
        if view.practice.is_suspended:
            raise PracticePaused
        return _to_office(request, view, because) if is_read else None
    portal_request = _with_attributes(request, view)
    if not is_read:
        raise ViewIsReadOnly(view)
    match = request.resolver_match
    ref = str(match.kwargs.get("ref", "")) if match else ""
    client_views.record_page(view, page=(match.url_name or "") if match else "", ref=ref)
    return page(portal_request)


def set_view_cookie(response: HttpResponse, started: StartedView) -> None:
    """Sets the cookie, which is sent to this practice's portal only and ends with the browser session."""
    path = started.view.practice.portal_path
    cookies.set_cookie(response, settings.VIEW_COOKIE_NAME, started.key, path=path)


def delete_view_cookie(response: HttpResponse, practice: Practice) -> None:
    cookies.delete_cookie(response, settings.VIEW_COOKIE_NAME, path=practice.portal_path)


def end(request: OpenRequest) -> ClientView | None:
    """Ends the view of this browser and returns it; None if there is none."""
    view = view_in_browser(request, request.practice.slug)
    if view is not None:
        client_views.end(view, client_views.reason_to_end(view) or ViewEnd.BY_STAFF, by=view.staff.actor)
    return view


def query_of_contact(view: ClientView, **parameters: str) -> str:
    """Returns the query of an office page with these parameters, and with the contact as whom staff viewed, if any."""
    if view.relationship is not None:
        parameters[redirects.ACCESS_PARAMETER] = view.relationship.ref
    return f"?{urlencode(parameters)}" if parameters else ""


def _to_office(request: HttpRequest, view: ClientView, because: ViewEnd) -> HttpResponse:
    start = reverse("office:client_view", kwargs={"ref": view.client.ref})
    address = f"{start}{query_of_contact(view, **{ENDED_PARAMETER: because.value})}"
    response = redirects.redirect_whole_page(request, address)
    delete_view_cookie(response, view.practice)
    return response


def _with_attributes(request: HttpRequest, view: ClientView) -> PortalRequest:
    """Sets the attributes of a PortalRequest, time zone and language; the language cookie is not the client's."""
    portal_request = cast(PortalRequest, request)
    access = client_views.access_as_if_on(view)
    portal_request.client_view = view
    portal_request.account = client_views.account_of(access)
    portal_request.accesses, portal_request.access = [access], access
    portal_request.has_chosen = True
    portal_request.client, portal_request.actor = view.client, view.staff.actor
    timezone.activate(view.practice.zone)
    language = languages.language_in_link(request) or portal_request.account.language or access.holder_language
    translation.activate(language)
    return portal_request
