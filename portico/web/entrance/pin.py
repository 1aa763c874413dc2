"""`I have a PIN`: signs in to one client with an identifier of theirs and the eight digits that staff read out."""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from portico.domain.access.sign_in import pin_identifiers, sign_in_pins
from portico.domain.access.sign_in.sign_in_pins import PIN_LENGTH
from portico.domain.practices.models import Practice
from portico.plumbing.mail import rendering
from portico.plumbing.text.input_validation import CodeField, LineField
from portico.web import redirects
from portico.web.entrance import completing_sign_in
from portico.web.guards import open_page
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest

# Spaces, dashes and periods between the digits.
_SEPARATORS = re.compile(r"[\W_]+")
NOT_A_PIN = _("Enter the 8 digits of your PIN, like 4829 1374.")
ONE_IDENTIFIER = _("Enter one email address, phone number or client number, such as name@example.com or 482-1374.")


class NotRedisplayedInput(forms.TextInput):
    """A text input whose value is not rendered again: a wrong PIN is close to a secret."""

    def format_value(self, value: Any) -> None:  # Any: Django's own.
        return None


class PinForm(forms.Form):
    """Validates the format of identifier and PIN only, so that the errors are the same for every client.

    `email` also takes a phone number or the client number, for clients who have no email.
    """

    use_required_attribute = False

    email = LineField(
        label=_("Enter your email, phone number or client number"),
        error_messages={"required": ONE_IDENTIFIER},
        widget=forms.TextInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
    )
    pin = CodeField(
        label=_("PIN"),
        error_messages={"required": NOT_A_PIN},
        widget=NotRedisplayedInput(
            attrs={
                "class": "code-entry",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "placeholder": "••••••••",
            }
        ),
    )

    def __init__(self, practice: Practice, data: Any | None = None) -> None:  # Any: Django's own.
        self.practice = practice
        super().__init__(data)

    def clean_email(self) -> str:
        """Returns the identifier in canonical form, from the raw input: cleaning would replace look-alike characters.

        Refuses more than one value.
        """
        typed = self._posted("email")
        try:
            (identifier,) = typed
            return pin_identifiers.canonical(str(identifier), self.practice)
        except ValueError:
            raise ValidationError(ONE_IDENTIFIER) from None

    def clean_pin(self) -> str:
        typed = _SEPARATORS.sub("", self.cleaned_data["pin"])
        if len(self._posted("pin")) > 1 or len(typed) != PIN_LENGTH or not (typed.isascii() and typed.isdecimal()):
            raise ValidationError(NOT_A_PIN)
        return typed

    def _posted(self, name: str) -> list[Any]:  # Any: Django's own.
        return self.data.getlist(name) if hasattr(self.data, "getlist") else [self.data[name]]


NO_MATCH = _(
    "That email or number and PIN don’t match. Check both and try again. After 5 tries a PIN stops working. We can "
    "then give you a new one."
)


@open_page
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: OpenRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PinForm(request.practice))
    form = PinForm(request.practice, request.POST)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    browser = ip_and_browser.browser_from(request)
    started = sign_in_pins.enter(
        request.practice,
        form.cleaned_data["email"],
        form.cleaned_data["pin"],
        visitor=browser,
        ip=ip_and_browser.ip_of(request),
    )
    if started is None:
        form.add_error("pin", NO_MATCH)
        return _page(request, form, HTTPStatus.UNPROCESSABLE_CONTENT)
    return completing_sign_in.complete_sign_in(
        request, replace(started, goes_to=redirects.requested_portal_path(request)), browser
    )


def _page(request: OpenRequest, form: PinForm, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {
        "practice": request.practice,
        "form": form,
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "next": redirects.requested_portal_path(request),
    }
    return render(request, "entrance/pin.html", context, status=status)
