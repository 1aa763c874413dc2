"""The second step of signing in: authenticator code, passkey or recovery code."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.staff import second_factor
from portico.web import redirects, staff_verification
from portico.web.guards import office_second_step_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import completing_sign_in, identity_check


@office_second_step_page
@sensitive_post_parameters("otp", "recovery_code", "passkey")
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: OfficeRequest) -> HttpResponse:
    """Asks for a second factor; redirects staff who have none to set one up."""
    if staff_verification.next_step(request.session) != "office:second_step":
        return redirects.to_next_office_step(request)
    if not second_factor.is_set_up(request.staff):
        return redirect(redirects.with_next(request, reverse("office:first_factor")))
    verified = identity_check.prompt(
        request, template="office/second_step.html", challenge_url_name="office:second_step_by_passkey"
    )
    if isinstance(verified, HttpResponse):
        return verified
    completing_sign_in.by_factor(request, verified)
    return redirects.to_next_office_step(request)


@office_second_step_page
@require_POST
def by_passkey(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.get()`."""
    return identity_check.passkey_challenge(request)
