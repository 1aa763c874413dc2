"""Sets up a staff member's first second factor during sign-in: an authenticator app or a passkey."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.staff import second_factor
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.web import redirects, staff_verification
from portico.web.guards import office_second_step_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import adding_factors, completing_sign_in
from portico.web.office.sign_in.adding_factors import AppForm, NewPasskeyForm, NotAdded


@office_second_step_page
@sensitive_post_parameters("otp", "passkey")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    """Only for staff without a factor; others must use theirs, and can add another from their account page."""
    if staff_verification.next_step(request.session) != "office:second_step":
        return redirects.to_next_office_step(request)
    if second_factor.is_set_up(request.staff):
        return redirect(redirects.with_next(request, reverse("office:second_step")))
    if request.method != "POST":
        return _page(request, AppForm())
    if "passkey" in request.POST:
        return _add_passkey(request)
    form = AppForm(request.POST)
    try:
        made_codes = adding_factors.add_app(request, form, first=True)
    except NotAdded:
        return _page(request, form, status=422)
    return _complete(request, SecondFactorMethod.AUTHENTICATOR, made_codes=made_codes)


@office_second_step_page
@require_POST
def passkey_challenge(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.create()`."""
    return adding_factors.passkey_challenge(request)


def _add_passkey(request: OfficeRequest) -> HttpResponse:
    form = NewPasskeyForm(request.POST)
    try:
        made_codes = adding_factors.add_passkey(request, form, first=True)
    except NotAdded:
        return _page(request, AppForm(), form, status=422)
    return _complete(request, SecondFactorMethod.PASSKEY, made_codes=made_codes)


def _complete(request: OfficeRequest, method: SecondFactorMethod, *, made_codes: bool) -> HttpResponse:
    if made_codes:
        staff_verification.show_codes(request.session, first=True)
    completing_sign_in.by_factor(request, method)
    return redirects.to_next_office_step(request)


def _page(
    request: OfficeRequest, form: AppForm, passkey: NewPasskeyForm | None = None, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "passkey": passkey or NewPasskeyForm(),
        "passkey_name": adding_factors.default_name(request),
        "here": redirects.with_next(request, request.path),
        **adding_factors.scan_context(request),
    }
    return render(request, "office/first_factor.html", context, status=status)
