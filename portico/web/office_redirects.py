"""Redirects to the office's sign-in and back to the requested page or the saved form."""

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
    """Redirects to the sign-in page. The query names the requested page, and a form that was posted."""
    query = {"next": _requested_path(request)}
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = staff_sessions.recently_expired(cookie) if cookie else None
    if session is not None:
        query["ended"] = "idle" if staff_sessions.has_timed_out(session) else "age"
        if ref := _save_post(request, session):
            query["kept"] = ref
    return _redirect(request, f"{settings.LOGIN_URL}?{urlencode(query)}")


def to_step(request: HttpRequest, name: str) -> HttpResponse:
    """Redirects to the next sign-in step by its URL name. The query names the requested page."""
    return _redirect(request, f"{reverse(name)}?{urlencode({'next': _requested_path(request)})}")


def redirect_onward(request: OfficeRequest) -> HttpResponse:
    """Redirects to the next sign-in step if there is one, else to where the sign-in leads."""
    if step := staff_verification.next_step(request.session):
        return redirect(with_next(request, reverse(step)))
    return redirect(landing(request, request.staff))


def landing(request: HttpRequest, staff: StaffMember) -> str:
    """Returns the URL to open after signing in: the form saved for this person, else the requested page."""
    saved = saved_forms.find(staff, request.GET.get("kept", ""))
    if saved is not None:
        return reverse("office:kept_post", args=[saved.ref])
    return own_path(request.GET.get("next", ""))


def with_next(request: HttpRequest, path: str, **more: str) -> str:
    """Returns the path with the query that names the requested page and the saved form."""
    query = {name: request.GET[name] for name in ("next", "kept", "again") if request.GET.get(name)} | more
    return f"{path}?{urlencode(query)}" if query else path


def own_path(path: str) -> str:
    """Returns the path if it is an office page, else that of the client list. Rejects other origins."""
    home = reverse("office:clients")
    if not path.startswith(OFFICE_PATH) or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return home
    try:
        resolve(path.partition("?")[0].partition("#")[0])
    except Resolver404:
        return home
    return path


def _redirect(request: HttpRequest, address: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        # htmx would follow a redirect and insert the whole page into a part of this one.
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _requested_path(request: HttpRequest) -> str:
    if request.method in {"GET", "HEAD"} and "HX-Request" not in request.headers:
        return request.get_full_path()
    # A posted form is saved separately; a fragment is no page to return to.
    return reverse("office:clients")


def _save_post(request: HttpRequest, session: StaffSession) -> str:
    """Saves a posted form and returns its ref; empty for anything else, such as a draft sent by our script."""
    if request.method != "POST" or "HX-Request" in request.headers or session.staff is None:
        return ""
    fields = form_recovery.posted_fields(request.POST.lists())
    saved = saved_forms.save(session.staff, path=request.get_full_path(), fields=fields)
    return saved.ref if saved else ""
