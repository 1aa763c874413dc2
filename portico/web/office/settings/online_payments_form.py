"""The forms of `Settings` > `Online Payments`; what is typed is never rendered again."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing.text.input_validation import LineField

MAX_LENGTH = 255
TOO_LONG = _("This is too long to be one. Copy it again at Stripe.")


def _secret_field(label: Any, *, required: bool) -> LineField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)
    messages = {"required": _("This is needed."), "max_length": TOO_LONG}
    return LineField(label=label, max_length=MAX_LENGTH, required=required, widget=widget, error_messages=messages)


class SecretForm(forms.Form):
    """The webhook's signing secret alone."""

    use_required_attribute = False
    webhook_secret = _secret_field(_("Webhook signing secret"), required=True)


class KeysForm(forms.Form):
    use_required_attribute = False
    secret_key = _secret_field(_("Secret key"), required=True)
    webhook_secret = _secret_field(_("Webhook signing secret"), required=False)

    @property
    def keys(self) -> Keys:
        return Keys(self.cleaned_data["secret_key"], self.cleaned_data["webhook_secret"])
