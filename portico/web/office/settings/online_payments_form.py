"""What is typed on the page `Online Payments`: secrets, which never come back to the page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing.text.input_validation import LineField

LONGEST = 255
TOO_LONG = _("This is too long to be one. Copy it again at Stripe.")


def _secret(label: Any, *, required: bool) -> LineField:
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)
    messages = {"required": _("This is needed."), "max_length": TOO_LONG}
    return LineField(label=label, max_length=LONGEST, required=required, widget=widget, error_messages=messages)


class SecretForm(forms.Form):
    """The webhook's secret alone."""

    use_required_attribute = False
    webhook_secret = _secret(_("Webhook signing secret"), required=True)


class KeysForm(forms.Form):
    use_required_attribute = False
    secret_key = _secret(_("Secret key"), required=True)
    webhook_secret = _secret(_("Webhook signing secret"), required=False)

    @property
    def keys(self) -> Keys:
        return Keys(self.cleaned_data["secret_key"], self.cleaned_data["webhook_secret"])
