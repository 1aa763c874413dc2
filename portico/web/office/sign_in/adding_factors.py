"""Adding an authenticator app or a passkey: on the way in, and later in the office."""

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.practices.staff import authenticators, passkeys
from portico.domain.practices.staff.authenticators import WrongCode
from portico.domain.practices.staff.passkeys import PasskeyRejected
from portico.web import qr_codes
from portico.web.http import request_origin
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.sign_in.second_factor_prompt import AuthenticatorForm

# What the session remembers until the new factor has proven itself.
_TO_SCAN = "authenticator-secret"
_QUESTION = "new-passkey-question"


class NotAdded(Exception):
    """What stands in the way has been said on the form."""


class AppForm(AuthenticatorForm):
    """The code that the app shows, once it knows the secret."""


class NewPasskeyForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=60, required=True)
    passkey = forms.CharField(max_length=passkeys.ANSWER_LENGTH, widget=forms.HiddenInput)


def scan_context(request: OfficeRequest) -> dict[str, object]:
    """What the page shows: the secret as a QR code, and in groups of four to be typed. It stays until it is used."""
    secret = request.session.get(_TO_SCAN)
    if secret is None:
        secret = request.session[_TO_SCAN] = authenticators.new_secret()
    return {
        "qr": qr_codes.svg(
            authenticators.provisioning_uri(request.staff, secret), label=_("QR code for your authenticator app")
        ),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    }


def add_app(request: OfficeRequest, form: AppForm, *, first: bool) -> bool:
    """Whether recovery codes were made too. Raises NotAdded, and AlreadySetUp."""
    secret = request.session.get(_TO_SCAN)
    if not form.is_valid() or secret is None:
        raise NotAdded
    try:
        made = authenticators.set_up(
            request.staff, secret, code=form.cleaned_data["otp"], first=first, by=request.actor
        )
    except WrongCode as wrong:
        form.add_error("otp", _("That code doesn’t work. Type the one that the app shows now."))
        raise NotAdded from wrong
    del request.session[_TO_SCAN]
    return made


def ask_for_passkey(request: OfficeRequest) -> HttpResponse:
    """What our script hands to the browser."""
    question = passkeys.registration_challenge(request.staff)
    request.session[_QUESTION] = question.state
    return JsonResponse(question.options)


def add_passkey(request: OfficeRequest, form: NewPasskeyForm, *, first: bool) -> bool:
    """Whether recovery codes were made too. Raises NotAdded, and AlreadySetUp."""
    # A question is good for one answer.
    state = request.session.pop(_QUESTION, None)
    if not form.is_valid():
        raise NotAdded
    if state is None:
        form.add_error("passkey", _("That took too long. Try again."))
        raise NotAdded
    asked = form.cleaned_data
    try:
        return passkeys.add(request.staff, state, asked["passkey"], name=asked["name"], first=first, by=request.actor)
    except PasskeyRejected as wrong:
        form.add_error("passkey", _("That passkey didn’t work. Try again, or use another way."))
        raise NotAdded from wrong


def usual_name(request: OfficeRequest) -> str:
    """By what name a person will know this device's passkey again."""
    return request_origin.browser_of(request) or _("Passkey")
