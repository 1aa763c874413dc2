"""The prompt for a second factor, at sign-in and for re-authentication."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.practices.staff import (
    authenticator_apps,
    passkeys,
    password_attempts,
    recovery_codes,
    second_factor,
)
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.plumbing.text.input_validation import CodeField
from portico.web import redirects
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm

CHALLENGE_SESSION_KEY = "passkey-question"


class NeverRedisplayed(forms.TextInput):
    """A text input whose value is not rendered again."""

    def format_value(self, value: Any) -> None:  # Any: Django's own.
        return None


CODE_ENTRY = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "code-entry"}


class AuthenticatorForm(OfficeForm):
    otp = CodeField(
        label=gettext_lazy("Authenticator code"),
        max_length=20,
        widget=NeverRedisplayed({**CODE_ENTRY, "inputmode": "numeric", "placeholder": "••••••"}),
    )


class RecoveryForm(OfficeForm):
    recovery_code = CodeField(
        label=gettext_lazy("Recovery code"),
        max_length=40,
        widget=NeverRedisplayed({**CODE_ENTRY, "inputmode": "numeric", "autocomplete": "off"}),
    )


class PasskeyForm(forms.Form):
    passkey = forms.CharField(max_length=passkeys.MAX_RESPONSE_LENGTH, widget=forms.HiddenInput)


class PasswordForm(OfficeForm):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


FORMS: dict[SecondFactorMethod, tuple[type[forms.Form], str]] = {
    SecondFactorMethod.AUTHENTICATOR: (AuthenticatorForm, "otp"),
    SecondFactorMethod.PASSKEY: (PasskeyForm, "passkey"),
    SecondFactorMethod.RECOVERY_CODE: (RecoveryForm, "recovery_code"),
    SecondFactorMethod.PASSWORD: (PasswordForm, "password"),
}
_WRONG = {
    SecondFactorMethod.AUTHENTICATOR: gettext_lazy("That code is incorrect. Enter the current code from your app."),
    SecondFactorMethod.PASSKEY: gettext_lazy("That passkey didn’t work. Try again or use another method."),
    SecondFactorMethod.RECOVERY_CODE: gettext_lazy("That recovery code is incorrect or has already been used."),
    SecondFactorMethod.PASSWORD: gettext_lazy("That password is incorrect. Try again."),
}


def prompt(request: OfficeRequest, *, template: str, challenge_url_name: str) -> SecondFactorMethod | HttpResponse:
    """Returns the method by which the person has just verified their identity, or the page that asks for it.

    `challenge_url_name` is the URL where our script gets the passkey challenge.
    """
    methods = _methods(request)
    if request.method != "POST":
        return _page(request, template, challenge_url_name, methods, None)
    method = next((each for each, (_form, field) in FORMS.items() if each in methods and field in request.POST), None)
    form = FORMS[method][0](request.POST) if method else None
    if method is None or form is None or not form.is_valid():
        return _page(request, template, challenge_url_name, methods, form, status=422)
    field = FORMS[method][1]
    try:
        if _is_right(request, method, form.cleaned_data[field]):
            return method
    except RateLimitExceeded as error:
        form.add_error(field, rate_limit_message(error))
        return _page(request, template, challenge_url_name, methods, form, status=429)
    form.add_error(field, ValidationError(_WRONG[method]))
    return _page(request, template, challenge_url_name, methods, form, status=422)


def passkey_challenge(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.get()` as JSON."""
    challenge = passkeys.authentication_challenge(request.staff)
    request.session[CHALLENGE_SESSION_KEY] = challenge.state
    return JsonResponse(challenge.options)


def rate_limit_message(error: RateLimitExceeded) -> str:
    if error.limit.window >= timedelta(days=1):
        return _("Too many attempts. Wait a day, or use another method.")
    if error.limit.window >= timedelta(hours=1):
        return _("Too many attempts. Wait an hour, or use another method.")
    return _("Too many attempts. Wait five minutes, then try again.")


def _methods(request: OfficeRequest) -> set[SecondFactorMethod]:
    # Without a second factor, the password is asked for again.
    return second_factor.methods_of(request.staff) if settings.SECOND_FACTOR_REQUIRED else {SecondFactorMethod.PASSWORD}


def _is_right(request: OfficeRequest, method: SecondFactorMethod, response: str) -> bool:
    """Checks the response to the prompt. Raises RateLimitExceeded."""
    staff = request.staff
    if method == SecondFactorMethod.PASSWORD:
        return password_attempts.check_again(staff, response, ip=ip_and_browser.ip_of(request))
    # A challenge is valid for one response.
    state = request.session.pop(CHALLENGE_SESSION_KEY, None) if method == SecondFactorMethod.PASSKEY else None
    checks = {
        SecondFactorMethod.AUTHENTICATOR: lambda: authenticator_apps.use(staff, response),
        SecondFactorMethod.PASSKEY: lambda: passkeys.use(staff, state, response),
        SecondFactorMethod.RECOVERY_CODE: lambda: recovery_codes.use(staff, response),
    }
    return second_factor.attempt(staff, method, checks[method], by=request.actor)


def _page(
    request: OfficeRequest,
    template: str,
    challenge_url_name: str,
    methods: set[SecondFactorMethod],
    form: forms.Form | None,
    *,
    status: int = 200,
) -> HttpResponse:
    with_recovery = SecondFactorMethod.RECOVERY_CODE in methods and (
        "recovery" in request.GET or isinstance(form, RecoveryForm)
    )
    context = {
        "authenticator": _form_of(AuthenticatorForm, form) if SecondFactorMethod.AUTHENTICATOR in methods else None,
        "passkey": _form_of(PasskeyForm, form) if SecondFactorMethod.PASSKEY in methods else None,
        "recovery": _form_of(RecoveryForm, form) if with_recovery else None,
        "password": _form_of(PasswordForm, form) if SecondFactorMethod.PASSWORD in methods else None,
        "has_recovery": SecondFactorMethod.RECOVERY_CODE in methods,
        "here": redirects.with_next(request, request.path),
        "with_recovery_url": redirects.with_next(request, request.path, recovery="1"),
        "question_url": reverse(challenge_url_name),
    }
    return render(request, template, context, status=status)


def _form_of(form_class: type[forms.Form], submitted: forms.Form | None) -> forms.Form:
    return submitted if isinstance(submitted, form_class) else form_class()
