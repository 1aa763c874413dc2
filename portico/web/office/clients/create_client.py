"""`Create Client`: requires only a name; addresses, consent, access and invitation are optional."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.access import access_lookups
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.access.onboarding.new_clients import CreatedClient
from portico.domain.clients.client_input import AddressInput
from portico.domain.clients.email_address_changes import DuplicateAddress
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import invitations, shareable
from portico.domain.documents.sharing.shareable import ShareableDocument
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.form_keys import FormSentBefore
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import form_keys
from portico.web.office.base_form import required_message
from portico.web.office.client_portal import enclosed_documents
from portico.web.office.client_portal.portal_tab_form import InvitationTextForm
from portico.web.office.clients.address_and_phone_forms import suggestion_for
from portico.web.office.clients.client_info_form import ClientForms
from portico.web.office.roles import CLIENT_EDITORS


class PortalAccessForm(InvitationTextForm):
    """`form_key` makes a double submission one client; `looked_at` is an address already shown as a likely typo."""

    enabled = forms.BooleanField(
        label=gettext_lazy("Client Portal Access"), required=False, widget=forms.CheckboxInput(attrs={"role": "switch"})
    )
    access_billing_documents = forms.BooleanField(label=gettext_lazy("Access billing documents"), required=False)
    pay_by_card = forms.BooleanField(label=gettext_lazy("Pay a balance with credit card using Stripe"), required=False)
    send_now = forms.BooleanField(label=gettext_lazy("Send the invitation now"), required=False)
    documents = enclosed_documents.field()
    form_key = form_keys.field()
    looked_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, practice: Practice, data: QueryDict | None = None, start: dict[str, Any] | None = None
    ) -> None:  # Any: a value.
        text = invitation_text.default_of(practice, "en")
        defaults = {
            **access_lookups.default_options(practice),
            "subject": text.subject,
            "message": text.message,
            "form_key": tokens.new_token(),
        }
        super().__init__(data, initial=defaults | (start or {}))
        self.shareable: list[ShareableDocument] = shareable.list_for(practice, None)
        enclosed_documents.offer(self, self.shareable)
        self.fields["pay_by_card"].disabled = not practice.takes_cards

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("send_now"):
            return cleaned
        if not cleaned.get("enabled"):
            self.add_error("send_now", _("Turn on Client Portal Access to send the invitation, or send it later."))
        for name in ("subject", "message"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, required_message(self.fields[name]))
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


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST":
        return _create(request)
    return _page(request, ClientForms(request.practice), PortalAccessForm(request.practice))


def _create(request: OfficeRequest) -> HttpResponse:
    forms = ClientForms(request.practice, data=request.POST)
    rearranged = forms.rearranged(request.POST)
    if rearranged is not None:
        return _page(
            request,
            rearranged,
            PortalAccessForm(request.practice, start=PortalAccessForm(request.practice, request.POST).values()),
        )
    # A list, not `and`: both must show their errors.
    if not all([forms.is_valid(), (welcome := PortalAccessForm(request.practice, request.POST)).is_valid()]):
        return _page(request, forms, welcome, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    addresses = forms.entry.addresses
    if welcome.invitation is not None and (typo := _unconfirmed_typo(addresses, welcome.cleaned_data["looked_at"])):
        return _page(request, forms, _ask_about_typo(request, typo), status=HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        form_key = welcome.cleaned_data["form_key"] or tokens.new_token()
        result = invitations.create_client(
            request.practice,
            forms.entry,
            welcome.access,
            welcome.invitation,
            shareable.versions_of(request.practice, welcome.cleaned_data["documents"]),
            form_key=form_key,
            by=request.actor,
        )
    except (DuplicateAddress, FormSentBefore, NotShareable) as refusal:
        forms.details.add_error(None, str(refusal))
    except CannotSendInvitation as refusal:
        welcome.add_error("send_now", _message_for(refusal))
    else:
        return _redirect_after_creation(request, result)
    return _page(request, forms, welcome, status=HTTPStatus.CONFLICT)


def _unconfirmed_typo(addresses: tuple[AddressInput, ...], looked_at: str) -> str | None:
    """Returns the invitation's address if it has a likely typo that was not pointed out yet."""
    first = addresses[0].address if addresses else ""
    return first if first != looked_at and suggestion_for(first) else None


def _ask_about_typo(request: OfficeRequest, address: str) -> PortalAccessForm:
    data = request.POST.copy()
    data["looked_at"] = address
    form = PortalAccessForm(request.practice, data)
    question = _("Nothing has been sent yet. Did you mean %(meant)s? To send to %(address)s, save the client again.")
    form.add_error("send_now", question % {"meant": suggestion_for(address), "address": address})
    return form


def _message_for(refusal: CannotSendInvitation) -> str:
    match refusal.fix:
        case "address":
            return _("Add an email address to send the invitation to, or send it later.")
        case "email_ok":
            return _("Check Email ok for the first address to send the invitation, or send it later.")
        case _:
            return str(refusal)


def _redirect_after_creation(request: OfficeRequest, result: CreatedClient) -> HttpResponse:
    client, invitation = result.client, result.invitation
    name = {"name": client.name}
    if not result.is_new:
        messages.info(request, _("%(name)s was already created. Nothing was repeated.") % name)
    elif invitation is not None:
        notice = _("%(name)s was created. The invitation is on its way to %(address)s.")
        messages.success(request, notice % (name | {"address": invitation.address.address}))
    else:
        messages.success(request, _("%(name)s was created.") % name)
    for row in client.email_addresses.open():
        if meant := suggestion_for(row.address):
            question = _("Is %(address)s spelled right? Did you mean %(meant)s?")
            messages.warning(request, question % {"address": row.address, "meant": meant})
    return redirect("office:client", ref=client.ref)


def _page(
    request: OfficeRequest, forms: ClientForms, welcome: PortalAccessForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {"forms": forms, "welcome": welcome, "placeholders": invitation_text.PLACEHOLDERS}
    return render(request, "office/clients/create.html", context, status=status)
