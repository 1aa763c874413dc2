"""The form of the page `I have a PIN`."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portico.domain.access.sign_in.sign_in_pins import PIN_LENGTH
from portico.plumbing.text import mailboxes
from portico.plumbing.text.input_validation import CodeField, LineField

# Spaces, dashes and periods between the digits.
_SEPARATORS = re.compile(r"[\W_]+")
NOT_A_PIN = _("A PIN has 8 numbers, like 4829 1374.")
ONE_ADDRESS = _("Type one email address, such as name@example.com.")


class NotRedisplayedInput(forms.TextInput):
    """A text input whose value is not rendered again: a wrong PIN is close to a secret."""

    def format_value(self, value: Any) -> None:  # Any: Django's own.
        return None


class PinForm(forms.Form):
    """Validates the format of address and PIN only, so that the errors are the same for every address."""

    use_required_attribute = False

    email = LineField(
        label=_("Enter your email"),
        error_messages={"required": ONE_ADDRESS},
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
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

    def clean_email(self) -> str:
        """Returns the mailbox key of the raw input: cleaning would replace look-alike characters.

        Refuses more than one value.
        """
        typed = self._posted("email")
        try:
            (address,) = typed
            return mailboxes.mailbox_key(str(address).strip())
        except ValueError:
            raise ValidationError(ONE_ADDRESS) from None

    def clean_pin(self) -> str:
        typed = _SEPARATORS.sub("", self.cleaned_data["pin"])
        if len(self._posted("pin")) > 1 or len(typed) != PIN_LENGTH or not (typed.isascii() and typed.isdecimal()):
            raise ValidationError(NOT_A_PIN)
        return typed

    def _posted(self, name: str) -> list[Any]:  # Any: Django's own.
        return self.data.getlist(name) if hasattr(self.data, "getlist") else [self.data[name]]
