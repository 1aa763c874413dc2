"""Redirects to the two sign-ins, and from there to the requested page or the saved form; never to another origin."""

from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import saved_forms as staff_saved_forms
from portico.domain.practices.staff import staff_sessions
from portico.web import saved_forms, staff_verification
from portico.web.http.request_types import OfficeRequest, OpenRequest, PortalRequest
from portico.web.route_list import Audience, Guard, methods_of

OFFICE_PATH = "/office/"
# The length of the column that keeps the requested page while a client signs in.
MAX_PORTAL_PATH_LENGTH = 300
# Query parameter of office pages about an access, and their forms: the ref of the contact's relationship.
ACCESS_PARAMETER = "access"


def to_office_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirects to the sign-in page. The query names the requested page, and a form that was posted."""
    query = {"next": _requested_office_path(request)}
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    session = staff_sessions.recently_expired(cookie) if cookie else None
    if session is not None:
        query["ended"] = "idle" if staff_sessions.has_timed_out(session) else "age"
        # A fragment that our script sent, such as a draft, is no form to return to.
        is_form = request.method == "POST" and "HX-Request" not in request.headers
        if is_form and session.staff is not None and (ref := saved_forms.save_for_staff(request, session.staff)):
            query[saved_forms.PARAMETER] = ref
    return redirect_whole_page(request, f"{settings.LOGIN_URL}?{urlencode(query)}")


def to_office_step(request: HttpRequest, name: str) -> HttpResponse:
    """Redirects to the next sign-in step by its URL name. The query names the requested page."""
    return redirect_whole_page(request, f"{reverse(name)}?{urlencode({'next': _requested_office_path(request)})}")


def to_next_office_step(request: OfficeRequest) -> HttpResponse:
    """Redirects to the next sign-in step if there is one, else to where the sign-in leads."""
    if step := staff_verification.next_step(request.session):
        return redirect(with_next(request, reverse(step)))
    return redirect(office_landing(request, request.staff))


def office_landing(request: HttpRequest, staff: StaffMember) -> str:
    """Returns the URL to open after signing in: the form saved for this person, else the requested page."""
    saved = staff_saved_forms.find(staff, request.GET.get(saved_forms.PARAMETER, ""))
    if saved is not None:
        return reverse("office:kept_post", args=[saved.ref])
    return safe_office_path(request.GET.get("next", ""))


def with_next(request: HttpRequest, path: str, **more: str) -> str:
    """Returns the path with the query that names the requested page and the saved form."""
    names = ("next", saved_forms.PARAMETER, "again")
    query = {name: request.GET[name] for name in names if request.GET.get(name)} | more
    return f"{path}?{urlencode(query)}" if query else path


def safe_office_path(path: str, *, method: str = "GET") -> str:
    """Returns the path if the office has a page there that takes the method, else that of the client list."""
    is_safe = path.startswith(OFFICE_PATH) and _is_page(path, Audience.OFFICE, method)
    return path if is_safe else reverse("office:clients")


def to_entrance(request: HttpRequest, slug: str, *, saved_form_ref: str = "") -> HttpResponse:
    """Redirects to the practice's entrance. `next` is the requested URL, or the page that shows the saved form again.

    The entrance ignores a `next` that is no page, such as an address that only takes POST.
    """
    entrance = reverse("entrance:doorway", kwargs={"slug": slug})
    saved_form = f"{request.path}?{urlencode({saved_forms.PARAMETER: saved_form_ref})}"
    next_url = saved_form if saved_form_ref else request.get_full_path()
    return redirect(f"{entrance}?{urlencode({'next': next_url})}")


def to_client_chooser(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirects to the page that chooses one of the mailbox's clients, and from there to the requested page."""
    chooser = reverse("portal:who", kwargs={"slug": slug})
    if request.method not in {"GET", "HEAD"}:
        return redirect(chooser)
    return redirect(f"{chooser}?{urlencode({'next': request.get_full_path()})}")


def requested_portal_path(request: OpenRequest | PortalRequest) -> str:
    """Returns the `next` parameter of the form or URL if it is a page of this practice's portal, else empty."""
    return safe_portal_path(request.practice, request.POST.get("next", "") or request.GET.get("next", ""))


def safe_portal_path(practice: Practice, path: str) -> str:
    """Returns the path if it is a page of this practice's portal, else empty."""
    is_own = path.startswith(practice.portal_path) and len(path) <= MAX_PORTAL_PATH_LENGTH
    return path if is_own and _is_page(path, Audience.PORTAL, "GET") else ""


def has_saved_form(path: str) -> bool:
    """Returns True if the page will show a form that was posted after its session had ended."""
    return saved_forms.PARAMETER in parse_qs(urlsplit(path).query)


def redirect_whole_page(request: HttpRequest, url: str) -> HttpResponse:
    """Redirects the browser, even if htmx asked: it would insert the redirect's page into a part of this one."""
    return HttpResponse(headers={"HX-Redirect": url}) if "HX-Request" in request.headers else redirect(url)


def _is_page(path: str, audience: Audience, method: str) -> bool:
    if not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return False
    try:
        view = resolve(path.partition("?")[0].partition("#")[0]).func
    except Resolver404:
        return False
    guard = getattr(view, "guard", None)
    return isinstance(guard, Guard) and guard.audience is audience and method in methods_of(view)


def _requested_office_path(request: HttpRequest) -> str:
    if request.method in {"GET", "HEAD"} and "HX-Request" not in request.headers:
        return request.get_full_path()
    # A posted form is saved separately; a fragment is no page to return to.
    return reverse("office:clients")
