"""The portal’s own address: somebody says who they are, and is told where to look next."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.access.models import PortalSession
from portico.domain.access.sign_in import portal_sessions, sign_in_requests
from portico.plumbing.text.input_validation import AddressField
from portico.web import portal_redirects
from portico.web.guards import client_session, open_page, session_that_ended
from portico.web.http import cookies, request_origin
from portico.web.http.request_types import OpenRequest

NOT_ONE_ADDRESS = _("Type one email address, such as name@example.com.")


class AskForm(forms.Form):
    """One address. Whether it is anybody's is never asked here."""

    use_required_attribute = False

    email = AddressField(
        label=_("Enter your email"),
        help_text=_("We’ll send you a link and a code. There is no password."),
        malformed=NOT_ONE_ADDRESS,
        widget=forms.EmailInput(
            {"autocomplete": "email", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean_email(self) -> str:
        # One request names one address; which of two was meant is not ours to choose.
        if isinstance(self.data, QueryDict) and len(self.data.getlist("email")) > 1:
            raise ValidationError(NOT_ONE_ADDRESS)
        typed: str = self.cleaned_data["email"]
        return typed


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OpenRequest) -> HttpResponse:
    """Whoever is signed in here goes on to their portal; whom time has signed out is offered a new link."""
    if request.method == "POST":
        return _ask(request)
    session = client_session(request, request.practice)
    if session is not None and portal_sessions.accesses_of(session).exists():
        return redirect("portal:home", slug=request.practice.slug)
    over = None if "other-email" in request.GET else session_that_ended(request, request.practice)
    if over is not None:
        return _ended(request, over)
    return page(request, AskForm())


def ask(request: OpenRequest, address: str, *, is_typed: bool, goes_to: str) -> HttpResponse:
    """Writes down what was asked for, in this browser's name; goes on to the page where its code is typed."""
    place = request_origin.origin_of(request)
    sign_in_requests.create(request.practice, address, origin=place, is_typed=is_typed, goes_to=goes_to)
    response = redirect("entrance:code", slug=request.practice.slug)
    cookies.set_cookie(response, settings.ASKING_COOKIE_NAME, place.browser_key)
    return response


def page(request: OpenRequest, form: AskForm, *, status: int = 200) -> HttpResponse:
    context = {
        "practice": request.practice,
        "form": form,
        "signed_out": "signed-out" in request.GET,
        "next": portal_redirects.requested_path(request),
    }
    return render(request, "entrance/doorway.html", context, status=status)


def _ask(request: OpenRequest) -> HttpResponse:
    form = AskForm(request.POST)
    if not form.is_valid():
        return page(request, form, status=422)
    return ask(request, form.cleaned_data["email"], is_typed=True, goes_to=portal_redirects.requested_path(request))


def _ended(request: OpenRequest, session: PortalSession) -> HttpResponse:
    place = portal_redirects.requested_path(request)
    context = {
        "practice": request.practice,
        "address": session.account.mailbox_key,
        "subject": session.ref,
        "was_left_idle": portal_sessions.has_timed_out(session),
        "idle_minutes": settings.SESSION_IDLE_CLIENT // 60,
        "next": place,
        "is_kept": portal_redirects.holds_saved_form(place),
    }
    return render(request, "entrance/ended.html", context)
