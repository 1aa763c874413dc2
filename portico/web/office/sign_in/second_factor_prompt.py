"""The page that asks for a second factor: at sign-in, and again before what matters most."""

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

from portico.domain.practices.staff import authenticators, passkeys, password_attempts, recovery_codes, second_factor
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.plumbing.text.input_validation import CodeField
from portico.web import office_redirects
from portico.web.http import request_origin
from portico.web.http.request_types import OfficeRequest

# What the session remembers between the question for a passkey and its answer.
CHALLENGE_SESSION_KEY = "passkey-question"


class NeverRedisplayed(forms.TextInput):
    """A field whose content never comes back, right or wrong."""

    def format_value(self, value: Any) -> None:  # Any: Django's own.
        return None


CODE_ENTRY = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "code-entry"}


class AuthenticatorForm(forms.Form):
    otp = CodeField(
        label=gettext_lazy("Authenticator code"),
        max_length=20,
        widget=NeverRedisplayed({**CODE_ENTRY, "inputmode": "numeric", "placeholder": "••••••"}),
    )


class RecoveryForm(forms.Form):
    recovery_code = CodeField(
        label=gettext_lazy("Recovery code"),
        max_length=40,
        widget=NeverRedisplayed({**CODE_ENTRY, "inputmode": "numeric", "autocomplete": "off"}),
    )


class PasskeyForm(forms.Form):
    passkey = forms.CharField(max_length=passkeys.ANSWER_LENGTH, widget=forms.HiddenInput)


class PasswordForm(forms.Form):
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
    SecondFactorMethod.AUTHENTICATOR: gettext_lazy("That code doesn’t work. Type the one that the app shows now."),
    SecondFactorMethod.PASSKEY: gettext_lazy("That passkey didn’t work. Try again, or use another way."),
    SecondFactorMethod.RECOVERY_CODE: gettext_lazy("That recovery code doesn’t work. Each one works once."),
    SecondFactorMethod.PASSWORD: gettext_lazy("That password doesn’t match. Try again."),
}


def ask(request: OfficeRequest, *, template: str, question: str) -> SecondFactorMethod | HttpResponse:
    """The way by which the person has just shown who they are, or the page that asks.

    `question` names the address where our script asks for a passkey.
    """
    ways = _ways(request)
    if request.method != "POST":
        return _page(request, template, question, ways, None)
    way = next((way for way, (_form, field) in FORMS.items() if way in ways and field in request.POST), None)
    form = FORMS[way][0](request.POST) if way else None
    if way is None or form is None or not form.is_valid():
        return _page(request, template, question, ways, form, status=422)
    field = FORMS[way][1]
    try:
        if _is_right(request, way, form.cleaned_data[field]):
            return way
    except RateLimitExceeded as beyond:
        form.add_error(field, wait_words(beyond))
        return _page(request, template, question, ways, form, status=429)
    form.add_error(field, ValidationError(_WRONG[way]))
    return _page(request, template, question, ways, form, status=422)


def ask_for_passkey(request: OfficeRequest) -> HttpResponse:
    """What our script hands to the browser."""
    question = passkeys.authentication_challenge(request.staff)
    request.session[CHALLENGE_SESSION_KEY] = question.state
    return JsonResponse(question.options)


def wait_words(beyond: RateLimitExceeded) -> str:
    if beyond.limit.window >= timedelta(days=1):
        return _("Too many tries. Wait a day, or use another way.")
    if beyond.limit.window >= timedelta(hours=1):
        return _("Too many tries. Wait an hour, or use another way.")
    return _("Too many tries. Wait five minutes, then try again.")


def _ways(request: OfficeRequest) -> set[SecondFactorMethod]:
    # Who is let in without a second factor is asked for the password.
    return second_factor.methods(request.staff) if settings.SECOND_FACTOR_REQUIRED else {SecondFactorMethod.PASSWORD}


def _is_right(request: OfficeRequest, way: SecondFactorMethod, answer: str) -> bool:
    """Raises TooMany."""
    staff = request.staff
    if way == SecondFactorMethod.PASSWORD:
        return password_attempts.check_again(staff, answer, ip=request_origin.ip_of(request))
    # A question is good for one answer.
    state = request.session.pop(CHALLENGE_SESSION_KEY, None) if way == SecondFactorMethod.PASSKEY else None
    tries = {
        SecondFactorMethod.AUTHENTICATOR: lambda: authenticators.use(staff, answer),
        SecondFactorMethod.PASSKEY: lambda: passkeys.use(staff, state, answer),
        SecondFactorMethod.RECOVERY_CODE: lambda: recovery_codes.use(staff, answer),
    }
    return second_factor.attempt(staff, way, tries[way], by=request.actor)


def _page(
    request: OfficeRequest,
    template: str,
    question: str,
    ways: set[SecondFactorMethod],
    form: forms.Form | None,
    *,
    status: int = 200,
) -> HttpResponse:
    with_recovery = SecondFactorMethod.RECOVERY_CODE in ways and (
        "recovery" in request.GET or isinstance(form, RecoveryForm)
    )
    context = {
        "authenticator": _form_of(AuthenticatorForm, form) if SecondFactorMethod.AUTHENTICATOR in ways else None,
        "passkey": _form_of(PasskeyForm, form) if SecondFactorMethod.PASSKEY in ways else None,
        "recovery": _form_of(RecoveryForm, form) if with_recovery else None,
        "password": _form_of(PasswordForm, form) if SecondFactorMethod.PASSWORD in ways else None,
        "has_recovery": SecondFactorMethod.RECOVERY_CODE in ways,
        "here": office_redirects.with_next(request, request.path),
        "with_recovery_url": office_redirects.with_next(request, request.path, recovery="1"),
        "question_url": reverse(question),
    }
    return render(request, template, context, status=status)


def _form_of(kind: type[forms.Form], asked: forms.Form | None) -> forms.Form:
    return asked if isinstance(asked, kind) else kind()
