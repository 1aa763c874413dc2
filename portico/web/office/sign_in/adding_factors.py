"""Adds an authenticator app or a passkey, during sign-in or from the account page."""

from django import forms
from django.http import HttpResponse, JsonResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.practices.staff import authenticator_apps, passkeys
from portico.domain.practices.staff.authenticator_apps import WrongCode
from portico.domain.practices.staff.passkeys import PasskeyRejected
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OfficeRequest
from portico.web.office.base_form import OfficeForm, line_field
from portico.web.office.sign_in.identity_check import AuthenticatorForm

# Session keys, until the new factor has been verified.
_PENDING_APP = "authenticator-secret"
_PENDING_CHALLENGE = "new-passkey-question"


class NotAdded(Exception):
    """Raised after adding the error to the form."""


class AppForm(AuthenticatorForm):
    """Takes a code of the app that is being added."""


class NewPasskeyForm(OfficeForm):
    name = line_field(gettext_lazy("Name"), longest=60, required=True)
    passkey = forms.CharField(max_length=passkeys.MAX_RESPONSE_LENGTH, widget=forms.HiddenInput)


def scan_context(request: OfficeRequest) -> dict[str, object]:
    """Returns the secret as a QR code and as text. The session keeps the same secret until it is used."""
    secret = request.session.get(_PENDING_APP)
    if secret is None:
        secret = request.session[_PENDING_APP] = authenticator_apps.new_secret()
    return {
        "qr": svg(
            authenticator_apps.provisioning_uri(request.staff, secret), label=_("QR code for your authenticator app")
        ),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    }


def add_app(request: OfficeRequest, form: AppForm, *, first: bool) -> bool:
    """Returns True if recovery codes were created too. Raises NotAdded and SecondFactorAlreadySetUp."""
    secret = request.session.get(_PENDING_APP)
    if not form.is_valid() or secret is None:
        raise NotAdded
    try:
        codes_created = authenticator_apps.set_up(
            request.staff, secret, code=form.cleaned_data["otp"], first=first, by=request.actor
        )
    except WrongCode as error:
        form.add_error("otp", _("That code is incorrect. Enter the current code from your app."))
        raise NotAdded from error
    del request.session[_PENDING_APP]
    return codes_created


def passkey_challenge(request: OfficeRequest) -> HttpResponse:
    """Returns the options for `navigator.credentials.create()` as JSON."""
    challenge = passkeys.registration_challenge(request.staff)
    request.session[_PENDING_CHALLENGE] = challenge.state
    return JsonResponse(challenge.options)


def add_passkey(request: OfficeRequest, form: NewPasskeyForm, *, first: bool) -> bool:
    """Saves the passkey that the browser created; returns True if recovery codes were created too, to be shown.

    Raises NotAdded, with the errors on the form, and SecondFactorAlreadySetUp.
    """
    # A challenge is valid for one response.
    state = request.session.pop(_PENDING_CHALLENGE, None)
    if not form.is_valid():
        raise NotAdded
    if state is None:
        form.add_error("passkey", _("That took too long. Try again."))
        raise NotAdded
    cleaned = form.cleaned_data
    try:
        return passkeys.add(
            request.staff, state, cleaned["passkey"], name=cleaned["name"], first=first, by=request.actor
        )
    except PasskeyRejected as error:
        form.add_error("passkey", _("That passkey didn’t work. Try again or use another method."))
        raise NotAdded from error


def default_name(request: OfficeRequest) -> str:
    """Returns a default name for this device's passkey."""
    return ip_and_browser.browser_of(request) or _("Passkey")


# Modules of quiet zone. The standard asks for four; two are enough on the white card around it.
BORDER = 2


def svg(text: str, *, label: str) -> SafeString:
    """Returns the code as SVG: one stroke for each horizontal run of dark modules."""
    import qrcode  # noqa: PLC0415 - only the page for a new authenticator needs it

    code = qrcode.QRCode(border=BORDER)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    strokes = [f"M{start} {y}.5h{length}" for y, row in enumerate(rows) for start, length in _runs(row)]
    return format_html(
        '<svg class="qr" role="img" aria-label="{}" viewBox="0 0 {} {}"><path stroke="#000" d="{}"/></svg>',
        *(label, len(rows), len(rows), "".join(strokes)),
    )


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Returns start and length of each run of dark modules in a row."""
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and found and sum(found[-1]) == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((x, 1))
    return found
