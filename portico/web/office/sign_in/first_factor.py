"""The first second factor of a staff member, set up on the way in: an authenticator app or a passkey."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.staff import second_factor
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.web import office_redirects, staff_verification
from portico.web.guards import office_second_step_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import adding_factors, completing_sign_in
from portico.web.office.sign_in.adding_factors import AppForm, NewPasskeyForm, NotAdded


@office_second_step_page
@sensitive_post_parameters("otp", "passkey")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    """Opens only to who has no factor: whoever has one must show it, and adds another in the office."""
    if staff_verification.next_step(request.session) != "office:second_step":
        return office_redirects.redirect_onward(request)
    if second_factor.is_set_up(request.staff):
        return redirect(office_redirects.with_next(request, reverse("office:second_step")))
    if request.method != "POST":
        return _page(request, AppForm())
    if "passkey" in request.POST:
        return _add_passkey(request)
    form = AppForm(request.POST)
    try:
        made_codes = adding_factors.add_app(request, form, first=True)
    except NotAdded:
        return _page(request, form, status=422)
    return _go_on(request, SecondFactorMethod.AUTHENTICATOR, made_codes=made_codes)


@office_second_step_page
@require_POST
def ask_for_passkey(request: OfficeRequest) -> HttpResponse:
    """The question that our script hands to the browser."""
    return adding_factors.ask_for_passkey(request)


def _add_passkey(request: OfficeRequest) -> HttpResponse:
    form = NewPasskeyForm(request.POST)
    try:
        made_codes = adding_factors.add_passkey(request, form, first=True)
    except NotAdded:
        return _page(request, AppForm(), form, status=422)
    return _go_on(request, SecondFactorMethod.PASSKEY, made_codes=made_codes)


def _go_on(request: OfficeRequest, way: SecondFactorMethod, *, made_codes: bool) -> HttpResponse:
    if made_codes:
        staff_verification.show_codes(request.session, first=True)
    completing_sign_in.by_factor(request, way)
    return office_redirects.redirect_onward(request)


def _page(
    request: OfficeRequest, form: AppForm, passkey: NewPasskeyForm | None = None, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "passkey": passkey or NewPasskeyForm(),
        "passkey_name": adding_factors.usual_name(request),
        "here": office_redirects.with_next(request, request.path),
        **adding_factors.scan_context(request),
    }
    return render(request, "office/first_factor.html", context, status=status)
