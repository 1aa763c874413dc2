"""Re-authentication before sensitive actions: refunds, exports, keys, own email, roles, invitations.

For a page with a form (before the form is shown, so that typing is not interrupted):

    @office_page(Role.OWNER)
    @recently_verified
    @require_http_methods(["GET", "HEAD", "POST"])
    def edit_role(request: OfficeRequest, ref: str) -> HttpResponse: ...

For a button on a page that needs no re-authentication itself, at the top of its POST view:

    if (response := reauthentication_needed(request)) is not None:
        return response

Both accept a verification of the last ten minutes. A posted form is saved and shown again afterwards.
"""

from functools import wraps
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.web import redirects, saved_forms, staff_verification
from portico.web.guards import View, office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import identity_check


def recently_verified[**P](view: View[OfficeRequest, P]) -> View[OfficeRequest, P]:
    """Decorator below `@office_page`: redirects to re-authentication unless the last verification is recent."""

    @wraps(view)
    def verified_first(request: OfficeRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return reauthentication_needed(request) or view(request, *args, **kwargs)

    return verified_first


def reauthentication_needed(request: OfficeRequest) -> HttpResponse | None:
    """Returns a redirect to re-authentication; None if the last verification is at most ten minutes old."""
    if staff_verification.is_recent(request.session):
        return None
    query = {"next": _return_url(request)}
    if request.method == "POST":
        ref = saved_forms.save_for_staff(request, request.staff)
        query |= {saved_forms.PARAMETER: ref} if ref else {"again": "1"}
    return redirects.redirect_whole_page(request, f"{reverse('office:prove')}?{urlencode(query)}")


@office_page()
@sensitive_post_parameters("otp", "recovery_code", "passkey", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def reauthenticate(request: OfficeRequest) -> HttpResponse:
    """Asks for a second factor again; where none is required (demo), for the password."""
    verified = identity_check.prompt(
        request, template="office/prove.html", challenge_url_name="office:prove_by_passkey"
    )
    if isinstance(verified, HttpResponse):
        return verified
    staff_verification.record(request.session, verified)
    if "again" in request.GET:
        messages.info(request, _("Thank you. Now try again."))
    return redirect(redirects.office_landing(request, request.staff))


@office_page()
@require_POST
def reauthenticate_by_passkey(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.get()`."""
    return identity_check.passkey_challenge(request)


def _return_url(request: OfficeRequest) -> str:
    """Returns the page to open afterwards: the requested one, or for a POST the page with the button."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    referer = urlsplit(request.headers.get("Referer", ""))
    return redirects.safe_office_path(f"{referer.path}?{referer.query}" if referer.query else referer.path)
