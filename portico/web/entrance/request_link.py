"""The portal’s entrance: the form that requests a sign-in link."""

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import portal_sessions
from portico.domain.access.sign_in.requests import sign_in_requests
from portico.plumbing.text.input_validation import NOT_ONE_ADDRESS, AddressField
from portico.web import redirects
from portico.web.guards import client_session, ended_client_session, open_page
from portico.web.http import cookies, ip_and_browser
from portico.web.http.request_types import OpenRequest


class RequestLinkForm(forms.Form):
    """Validates one address; never whether it is known."""

    use_required_attribute = False

    email = AddressField(
        label=_("Enter your email"),
        help_text=_("We’ll send you a link and a code. There is no password."),
        malformed=NOT_ONE_ADDRESS,
    )


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Redirects clients who are signed in to Home; after a timeout offers a new link to the same address."""
    if request.method == "POST":
        return _submit(request)
    session = client_session(request, request.practice)
    if session is not None and portal_sessions.accesses_of(session).exists():
        return redirect("portal:home", slug=request.practice.slug)
    ended = None if "other-email" in request.GET else ended_client_session(request, request.practice)
    if ended is not None:
        return _session_ended(request, ended)
    return page(request, RequestLinkForm())


def request_link(request: OpenRequest, address: str, *, is_typed: bool, goes_to: str) -> HttpResponse:
    """Creates the sign-in request, bound to this browser by a cookie, and redirects to the page for the code."""
    origin = ip_and_browser.origin_of(request)
    sign_in_requests.create(request.practice, address, origin=origin, is_typed=is_typed, goes_to=goes_to)
    response = redirect("entrance:code", slug=request.practice.slug)
    cookies.set_cookie(response, settings.ASKING_COOKIE_NAME, origin.browser_key)
    return response


def page(request: OpenRequest, form: RequestLinkForm, *, status: int = 200) -> HttpResponse:
    context = {
        "practice": request.practice,
        "form": form,
        "signed_out": "signed-out" in request.GET,
        "next": redirects.requested_portal_path(request),
    }
    return render(request, "entrance/doorway.html", context, status=status)


def _submit(request: OpenRequest) -> HttpResponse:
    form = RequestLinkForm(request.POST)
    if not form.is_valid():
        return page(request, form, status=422)
    return request_link(
        request, form.cleaned_data["email"], is_typed=True, goes_to=redirects.requested_portal_path(request)
    )


def _session_ended(request: OpenRequest, session: PortalSession) -> HttpResponse:
    next_path = redirects.requested_portal_path(request)
    context = {
        "practice": request.practice,
        "address": session.account.email,
        "subject": session.ref,
        "was_left_idle": portal_sessions.has_timed_out(session),
        "idle_minutes": settings.SESSION_IDLE_CLIENT // 60,
        "next": next_path,
        "is_kept": redirects.has_saved_form(next_path),
    }
    return render(request, "entrance/ended.html", context)
