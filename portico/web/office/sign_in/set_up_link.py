"""Set-up and reset links: opening one moves its token into a cookie; the page sets the password."""

from http import HTTPStatus

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from portico.domain.practices.models import RESET_LINK_TTL, SET_UP_LINK_TTL, SetUpLink, SetUpPurpose
from portico.domain.practices.staff import set_up_links
from portico.domain.practices.staff.set_up_links import SetUpLinkUsed
from portico.plumbing.mail import rendering
from portico.web import client_mismatch
from portico.web.guards import office_sign_in_page
from portico.web.http import cookies
from portico.web.office.base_form import OfficeForm
from portico.web.office.sign_in import completing_sign_in

COOKIE_NAME = f"{settings.COOKIE_PREFIX}portico-set-up"
# Seconds until the link must be opened again.
PAGE_LIFETIME = 3600


class NewPasswordForm(OfficeForm):
    """Takes a new password; the operation validates its strength."""

    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        help_text=_("At least 12 characters. Four or five words work well."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )


@office_sign_in_page
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Moves the token from the URL into a cookie and redirects. Does not use up the link."""
    response = redirect("office:set_up")
    # The URL of this response is secret.
    response["Referrer-Policy"] = "no-referrer"
    if request.method == "GET":
        cookies.set_cookie(response, COOKIE_NAME, token[:100], max_age=PAGE_LIFETIME)
    return response


@office_sign_in_page
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """Shows the link opened last; POST sets the password only for the staff member named in the form."""
    token = request.COOKIES.get(COOKIE_NAME, "")
    try:
        link = set_up_links.find(token)
        timezone.activate(link.practice.zone)
        if request.method == "POST":
            names_staff = request.POST.get(client_mismatch.FIELD) == link.staff.ref
            return _choose(request, link, token) if names_staff else _out_of_date(request)
    except SetUpLinkUsed:
        context = {
            "is_out_of_date": False,
            "invitation_works_for": rendering.duration(SET_UP_LINK_TTL),
            "reset_works_for": rendering.duration(RESET_LINK_TTL),
        }
        return render(request, "office/set_up_gone.html", context, status=410)
    return _page(request, link, NewPasswordForm())


def _out_of_date(request: HttpRequest) -> HttpResponse:
    """Returns 409: another person's link was opened in this browser since the form was shown."""
    return render(request, "office/set_up_gone.html", {"is_out_of_date": True}, status=HTTPStatus.CONFLICT)


def _choose(request: HttpRequest, link: SetUpLink, token: str) -> HttpResponse:
    form = NewPasswordForm(request.POST)
    if not form.is_valid():
        return _page(request, link, form, status=422)
    try:
        staff = set_up_links.choose_password(token, form.cleaned_data["password"])
    except ValidationError as error:
        form.add_error("password", error)
        return _page(request, link, form, status=422)
    if link.purpose == SetUpPurpose.RESET:
        # Access to the mailbox alone must not sign anyone in: the new password and the second factor are asked for.
        response = redirect(f"{settings.LOGIN_URL}?changed")
    else:
        completing_sign_in.by_password(request, staff)
        response = redirect("office:clients")
    cookies.delete_cookie(response, COOKIE_NAME)
    return response


def _page(request: HttpRequest, link: SetUpLink, form: NewPasswordForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "link": link, "staff": link.staff, "practice": link.staff.practice}
    context["is_reset"] = is_reset = link.purpose == SetUpPurpose.RESET
    context["factor_comes_next"] = settings.SECOND_FACTOR_REQUIRED and not is_reset
    return render(request, "office/set_up.html", context, status=status)
