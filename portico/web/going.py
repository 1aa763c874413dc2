"""The place in the portal that somebody was going to, kept over the way in."""

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from portico.domain.practices.models import Practice
from portico.web.guards import Audience, Guard
from portico.web.routes import methods_of

LONGEST = 300


def own_place(practice: Practice, path: str) -> str:
    """The path if it is a page of this practice's portal, else nothing. No other origin gets through."""
    if not path.startswith(practice.portal_path) or len(path) > LONGEST:
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
