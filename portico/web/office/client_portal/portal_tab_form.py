"""The form of the `Client Portal` tab: access and invitation."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.domain.access import access_lookups
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.clients.models import Client, EmailAddress, Relationship
from portico.domain.documents.sharing.shareable import ShareableDocument
from portico.domain.practices.mail_texts import MESSAGE_LENGTH, SUBJECT_LENGTH
from portico.plumbing import clock, tokens
from portico.plumbing.text.input_validation import LineField
from portico.web.office import form_keys
from portico.web.office.base_form import TOO_LONG, OfficeForm, text_field
from portico.web.office.client_portal import enclosed_documents


class InvitationTextForm(OfficeForm):
    """Subject and message of an invitation, required only for sending."""

    subject = LineField(
        label=_("Subject"), max_length=SUBJECT_LENGTH, required=False, error_messages={"max_length": TOO_LONG}
    )
    message = text_field(_("Message"), longest=MESSAGE_LENGTH, rows=11)

    @property
    def text(self) -> InvitationText:
        return InvitationText(self.cleaned_data["subject"], self.cleaned_data["message"])


class ClientPortalForm(InvitationTextForm):
    """The whole tab. `form_key` makes a double submission one email; `version` detects concurrent edits."""

    enabled = forms.BooleanField(
        label=_("Client Portal Access"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )
    address = forms.ChoiceField(
        label=_("Email"),
        required=False,
        error_messages={"invalid_choice": _("That address was removed. Choose another one.")},
    )
    access_billing_documents = forms.BooleanField(label=_("Access billing documents"), required=False)
    pay_by_card = forms.BooleanField(label=_("Pay a balance with credit card using Stripe"), required=False)
    signs_documents = forms.BooleanField(label=_("Sign documents"), required=False)
    attach_guide = forms.BooleanField(label=_("Attach the getting-started guide (PDF)"), required=False)
    documents = enclosed_documents.field()
    form_key = form_keys.field()
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(
        self,
        client: Client,
        access: PortalAccess | None,
        addresses: list[EmailAddress],
        shareable: list[ShareableDocument],
        data: Any | None = None,  # Any: Django's own.
        *,
        relationship: Relationship | None = None,
        sending: bool = False,
        may_edit: bool = True,
    ) -> None:
        self.client, self.access, self.addresses, self.relationship = client, access, addresses, relationship
        self.shareable = shareable
        super().__init__(data, initial=self._initial())
        cast(forms.ChoiceField, self.fields["address"]).choices = self._choices()
        enclosed_documents.offer(self, shareable, may_sign=self.initial["signs_documents"])
        # A disabled field ignores the request: the option stays as it is while the practice takes no cards.
        self.fields["pay_by_card"].disabled = not client.practice.takes_cards
        for name in ("subject", "message") if sending else ():
            self.fields[name].required = True
        if not may_edit:
            for field in self.fields.values():
                field.disabled = True

    def _initial(self) -> dict[str, Any]:  # Any: a field's value.
        access = self.access or access_lookups.new_access(self.client, self.relationship)
        text = invitations.opening_text(self.access, self._default_text())
        return {
            "enabled": access.is_on,
            "address": self._initial_address(access),
            "access_billing_documents": access.access_billing_documents,
            "pay_by_card": access.pay_by_card,
            "signs_documents": access.signs_documents,
            "subject": text.subject,
            "message": text.message,
            "form_key": tokens.new_token(),
            "version": access.version,
        }

    def _default_text(self) -> InvitationText:
        if self.relationship is None:
            return invitation_text.shown_default(self.client)
        return invitation_text.default_of(self.client.practice, self.relationship.contact.language)

    def _initial_address(self, access: PortalAccess) -> str:
        if access.address is not None:
            return access.address.ref
        # If access is on without an address, staff must choose one; before the first save one is preselected.
        if access.is_on or not self.addresses:
            return ""
        return next((row for row in self.addresses if row.email_ok), self.addresses[0]).ref

    def _choices(self) -> list[tuple[str, str]]:
        choices = [(row.ref, _address_label(row)) for row in self.addresses]
        if self.initial["address"]:
            return choices
        return [("", str(_("Choose an address") if choices else _("No address yet"))), *choices]

    @property
    def opening_text(self) -> InvitationText:
        """The draft or default text that the form started with."""
        return InvitationText(self.initial["subject"], self.initial["message"])

    @property
    def selected(self) -> EmailAddress | None:
        """The address selected in the form, saved or not."""
        ref = self["address"].value()
        return next((row for row in self.addresses if row.ref == ref), None)

    @property
    def access_as_typed(self) -> PortalAccess:
        """An unsaved access with the form's current input, to check its eligibility."""
        enabled_at = clock.now() if self["enabled"].value() else None
        access = access_lookups.new_access(self.client, self.relationship)
        access.address, access.enabled_at = self.selected, enabled_at
        return access

    @property
    def entry(self) -> AccessInput:
        return AccessInput(
            enabled=self.cleaned_data["enabled"],
            address=self.cleaned_data["address"] or None,
            access_billing_documents=self.cleaned_data["access_billing_documents"],
            pay_by_card=self.cleaned_data["pay_by_card"],
            signs_documents=self.cleaned_data["signs_documents"],
        )


def _address_label(row: EmailAddress) -> str:
    template = _("%(address)s (%(kind)s)") if row.email_ok else _("%(address)s (%(kind)s), no Email ok")
    return template % {"address": row.address, "kind": row.get_kind_display()}
