"""What the page `I have a PIN` asks for."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portico.domain.access.pins import PIN_LENGTH
from portico.plumbing import cleaning
from portico.plumbing.cleaning import LineField

SEPARATORS = str.maketrans("", "", " -\u2010\u2011\u2013.")
NOT_A_PIN = _("A PIN has 8 numbers, like 4829 1374.")
ONE_ADDRESS = _("Please enter one email address, like name@example.com.")


class PinForm(forms.Form):
    """Says whether the input makes sense, alike for every address; never whether the two belong together."""

    use_required_attribute = False

    email = LineField(
        label=_("Enter your email"),
        error_messages={"required": ONE_ADDRESS},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "email",
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    pin = LineField(
        label=_("PIN"),
        error_messages={"required": NOT_A_PIN},
        widget=forms.TextInput(
            attrs={
                "class": "code-entry",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "placeholder": "••••••••",
            }
        ),
    )

    def clean_email(self) -> str:
        """The mailbox's key. Two addresses in one request are none."""
        if len(self._posted("email")) > 1:
            raise ValidationError(ONE_ADDRESS)
        try:
            return cleaning.mailbox_key(self.cleaned_data["email"])
        except ValueError:
            raise ValidationError(ONE_ADDRESS) from None

    def clean_pin(self) -> str:
        typed: str = self.cleaned_data["pin"].translate(SEPARATORS)
        if len(self._posted("pin")) > 1 or len(typed) != PIN_LENGTH or not (typed.isascii() and typed.isdecimal()):
            raise ValidationError(NOT_A_PIN)
        return typed

    def _posted(self, name: str) -> list[Any]:  # Any: Django's own.
        return self.data.getlist(name) if hasattr(self.data, "getlist") else []
