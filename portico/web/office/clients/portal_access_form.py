"""The lower half of `Create Client`: access and invitation."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access.access_grants import AccessInput
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.web.office import form_keys
from portico.web.office.client_portal.portal_tab_form import InvitationTextForm


class PortalAccessForm(InvitationTextForm):
    """`form_key` makes a double submission one client; `looked_at` is an address already shown as a likely typo."""

    enabled = forms.BooleanField(
        label=gettext_lazy("Client Portal Access"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )
    access_billing_documents = forms.BooleanField(label=gettext_lazy("Access billing documents"), required=False)
    pay_by_card = forms.BooleanField(label=gettext_lazy("Pay a balance with credit card using Stripe"), required=False)
    send_now = forms.BooleanField(label=gettext_lazy("Send the invitation now"), required=False)
    form_key = form_keys.field()
    looked_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, practice: Practice, data: QueryDict | None = None, start: dict[str, Any] | None = None
    ) -> None:  # Any: a value.
        text = invitation_text.default_of(practice, "en")
        defaults = {
            "access_billing_documents": True,
            "subject": text.subject,
            "message": text.message,
            "form_key": tokens.new_token(),
        }
        super().__init__(data, initial=defaults | (start or {}))
        self.fields["pay_by_card"].disabled = not practice.takes_cards

    def values(self) -> dict[str, Any]:  # Any: a field's value.
        """Returns the current values of all fields, valid or not."""
        return {name: self[name].value() for name in self.fields}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("send_now"):
            return cleaned
        if not cleaned.get("enabled"):
            self.add_error("send_now", _("Turn on Client Portal Access to send the invitation, or send it later."))
        for name in ("subject", "message"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, ValidationError(_("This is needed to send the invitation.")))
        return cleaned

    @property
    def access(self) -> AccessInput | None:
        cleaned = self.cleaned_data
        if not cleaned["enabled"]:
            return None
        return AccessInput(
            enabled=True,
            address=None,
            access_billing_documents=cleaned["access_billing_documents"],
            pay_by_card=cleaned["pay_by_card"],
        )

    @property
    def invitation(self) -> InvitationText | None:
        """The invitation to send now, if any."""
        return self.text if self.cleaned_data["enabled"] and self.cleaned_data["send_now"] else None
