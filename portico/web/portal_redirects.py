"""Safe redirect targets in the portal: the page that was requested before signing in."""

from urllib.parse import parse_qs, urlsplit

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from portico.domain.practices.models import Practice
from portico.web.guards import SAVED_FORM_PARAMETER, Audience, Guard
from portico.web.http.request_types import OpenRequest, PortalRequest
from portico.web.route_list import methods_of

MAX_LENGTH = 300


def requested_path(request: OpenRequest | PortalRequest) -> str:
    """Returns the `next` parameter of the form or URL if it is a page of this practice's portal, else empty."""
    return safe_path(request.practice, request.POST.get("next", "") or request.GET.get("next", ""))


def holds_saved_form(path: str) -> bool:
    """Returns True if the page will show a form that was posted after its session had ended."""
    return SAVED_FORM_PARAMETER in parse_qs(urlsplit(path).query)


def safe_path(practice: Practice, path: str) -> str:
    """Returns the path if it is a page of this practice's portal, else empty. Rejects other origins."""
    if not path.startswith(practice.portal_path) or len(path) > MAX_LENGTH:
        return ""
    if not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return ""
    try:
        found = resolve(path.partition("?")[0].partition("#")[0])
    except Resolver404:
        return ""
    guard = getattr(found.func, "guard", None)
    is_page = isinstance(guard, Guard) and guard.audience is Audience.PORTAL and "GET" in methods_of(found.func)
    return path if is_page else ""
