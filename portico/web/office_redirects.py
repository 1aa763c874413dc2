"""The way to the office's sign-in and back: where somebody was going, and what they had typed."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from portico.domain.practices.models import StaffMember, StaffSession
from portico.domain.practices.staff import saved_forms, staff_sessions
from portico.plumbing import form_recovery
from portico.web import staff_verification
from portico.web.http.request_types import OfficeRequest

OFFICE_PATH = "/office/"


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Sends whoever is not signed in to the door, with the way back in the address."""
    query = {"next": _asked_for(request)}
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = staff_sessions.ended(cookie) if cookie else None
    if session is not None:
        query["ended"] = "idle" if staff_sessions.has_timed_out(session) else "age"
        if kept := _keep_post(request, session):
            query["kept"] = kept
    return _go(request, f"{settings.LOGIN_URL}?{urlencode(query)}")


def to_step(request: HttpRequest, name: str) -> HttpResponse:
    """Sends whoever is on the way in to the page that comes before the office, with the way back in the address."""
    return _go(request, f"{reverse(name)}?{urlencode({'next': _asked_for(request)})}")


def redirect_onward(request: OfficeRequest) -> HttpResponse:
    """The next step on the way in, else where the way leads."""
    if step := staff_verification.next_step(request.session):
        return redirect(with_next(request, reverse(step)))
    return redirect(landing(request, request.staff))


def landing(request: HttpRequest, staff: StaffMember) -> str:
    """Where signing in leads: to what was typed, if this person typed it, else to the page asked for."""
    kept = saved_forms.find(staff, request.GET.get("kept", ""))
    if kept is not None:
        return reverse("office:kept_post", args=[kept.ref])
    return own_path(request.GET.get("next", ""))


def with_next(request: HttpRequest, path: str, **more: str) -> str:
    """The address of a further step on the way in, which remembers where the way leads."""
    query = {name: request.GET[name] for name in ("next", "kept", "again") if request.GET.get(name)} | more
    return f"{path}?{urlencode(query)}" if query else path


def own_path(path: str) -> str:
    """The path if it is an address of the office, else the list of clients. No other origin gets through."""
    home = reverse("office:clients")
    if not path.startswith(OFFICE_PATH) or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return home
    try:
        resolve(path.partition("?")[0].partition("#")[0])
    except Resolver404:
        return home
    return path


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        # A redirect would put the whole page into the middle of the one that asked.
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _asked_for(request: HttpRequest) -> str:
    if request.method in {"GET", "HEAD"} and "HX-Request" not in request.headers:
        return request.get_full_path()
    # What was posted is kept by itself; a part of a page is no place to come back to.
    return reverse("office:clients")


def _keep_post(request: HttpRequest, session: StaffSession) -> str:
    """The ref of what was kept; what a script sent by itself, such as a draft, is not."""
    if request.method != "POST" or "HX-Request" in request.headers or session.staff is None:
        return ""
    fields = form_recovery.posted_fields(request.POST.lists())
    kept = saved_forms.save(session.staff, path=request.get_full_path(), fields=fields)
    return kept.ref if kept else ""
