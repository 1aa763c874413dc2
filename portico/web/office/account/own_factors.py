"""A staff member's own second factors: authenticator app, passkeys and recovery codes."""

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.practices.staff import authenticator_apps, passkeys, recovery_codes
from portico.web import staff_verification
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.shown_refusals import show_refusal
from portico.web.office.sign_in import adding_factors, reauthentication
from portico.web.office.sign_in.adding_factors import AppForm, NewPasskeyForm, NotAdded
from portico.web.office.sign_in.reauthentication import recently_verified


@dataclass(frozen=True)
class OwnFactors:
    """The second factors of a staff member."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int

    @property
    def is_set_up(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def factors_of(rows: Iterable[Authenticator]) -> OwnFactors:
    kinds = Authenticator.Type
    authenticators_by_age = sorted(rows, key=lambda row: row.pk)
    codes = next((row for row in authenticators_by_age if row.type == kinds.RECOVERY_CODES), None)
    return OwnFactors(
        app=next((row for row in authenticators_by_age if row.type == kinds.TOTP), None),
        passkeys=[row for row in authenticators_by_age if row.type == kinds.WEBAUTHN],
        codes_left=len(codes.wrap().get_unused_codes()) if codes is not None else 0,
    )


@office_page()
@recently_verified
@sensitive_post_parameters("otp")
@require_http_methods(["GET", "HEAD", "POST"])
def add_app(request: OfficeRequest) -> HttpResponse:
    """Sets up an authenticator app, replacing an existing one."""
    form, status = AppForm(request.POST or None), 200
    if request.method == "POST":
        try:
            made_codes = adding_factors.add_app(request, form, first=False)
        except NotAdded:
            status = 422
        else:
            return _added(request, _("Your authenticator app is set up."), made_codes=made_codes)
    context = {"form": form, **adding_factors.scan_context(request)}
    return render(request, "office/account/authenticator.html", context, status=status)


@office_page()
@require_POST
def remove_app(request: OfficeRequest) -> HttpResponse:
    if (response := reauthentication.reauthentication_needed(request)) is not None:
        return response
    with show_refusal(request):
        authenticator_apps.remove(request.staff, by=request.actor)
    return redirect("office:account")


@office_page()
@recently_verified
@sensitive_post_parameters("passkey")
@require_http_methods(["GET", "HEAD", "POST"])
def add_passkey(request: OfficeRequest) -> HttpResponse:
    if request.method != "POST":
        form = NewPasskeyForm(initial={"name": adding_factors.default_name(request)})
        return render(request, "office/account/passkey.html", {"form": form})
    form = NewPasskeyForm(request.POST)
    try:
        made_codes = adding_factors.add_passkey(request, form, first=False)
    except NotAdded:
        return render(request, "office/account/passkey.html", {"form": form}, status=422)
    return _added(request, _("Your passkey was added."), made_codes=made_codes)


@office_page()
@recently_verified
@require_POST
def passkey_challenge(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.create()`."""
    return adding_factors.passkey_challenge(request)


@office_page()
@require_POST
def remove_passkey(request: OfficeRequest, ref: str) -> HttpResponse:
    row = passkeys.find(request.staff, ref)
    if row is None:
        raise Http404
    if (response := reauthentication.reauthentication_needed(request)) is not None:
        return response
    with show_refusal(request):
        passkeys.remove(request.staff, row, by=request.actor)
    return redirect("office:account")


@office_page()
@require_POST
def make_codes(request: OfficeRequest) -> HttpResponse:
    """Replaces the recovery codes and redirects to the page that shows them."""
    if (response := reauthentication.reauthentication_needed(request)) is not None:
        return response
    recovery_codes.replace(request.staff, by=request.actor)
    if not recovery_codes.unused(request.staff):
        return redirect("office:account")
    return _to_codes(request)


def _added(request: OfficeRequest, notice: str, *, made_codes: bool) -> HttpResponse:
    messages.success(request, notice)
    return _to_codes(request) if made_codes else redirect("office:account")


def _to_codes(request: OfficeRequest) -> HttpResponse:
    staff_verification.show_codes(request.session, first=False)
    return redirect(f"{reverse('office:recovery_codes')}?{urlencode({'next': reverse('office:account')})}")
