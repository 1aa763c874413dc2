"""The `Client Portal` tab: access, sign-in address, invitation and its delivery."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import (
    access_grants,
    access_lookups,
    eligibility,
    eligibility_steps,
    guardians,
    mail_stops,
    portal_states,
    revocation,
)
from portico.domain.access.access_grants import AddressNotFound, MailboxTaken
from portico.domain.access.diagnosis import portal_history, timeline
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import ExpandedText, InvitationText
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import saved_cards
from portico.domain.clients import client_numbers
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, EmailAddress, Relationship
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import invitations as invitations_with_documents
from portico.domain.documents.sharing import shareable
from portico.domain.documents.sharing.shareable import ShareableDocument
from portico.gateways import pdf
from portico.plumbing import clock, tokens
from portico.plumbing.audit import audit_log
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.mail import rendering
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import fix_urls, lookups
from portico.web.office.client_portal import (
    banner_and_event_labels,
    contacts_card,
    enclosed_documents,
    saved_card_notices,
)
from portico.web.office.client_portal.chain_context import chain_context
from portico.web.office.client_portal.portal_tab_form import ClientPortalForm, InvitationTextForm
from portico.web.office.roles import CLIENT_EDITORS, may_edit


@dataclass(frozen=True)
class TabResult:
    """The outcome of a refused save. `fix` names the action that would allow the invitation to be sent."""

    status: HTTPStatus = HTTPStatus.OK
    refusal: str = ""
    fix: str = ""
    no_pin: str = ""
    changed_meanwhile: bool = False


@dataclass
class PortalTab:
    """The client, access and addresses shown by the tab."""

    client: Client
    access: PortalAccess | None
    addresses: list[EmailAddress]
    phones: list[str]
    has_contacts: bool
    # Of the contact whose access is shown; None for the client's own.
    relationship: Relationship | None
    shareable: list[ShareableDocument]

    @classmethod
    def of(cls, request: OfficeRequest, ref: str) -> "PortalTab":
        found = lookups.client_for_portal_tab(request, ref)
        relationship = lookups.relationship_in_query(request, found.client)
        if relationship is None:
            documents = shareable.list_for(request.practice, found.access)
            return cls(found.client, found.access, found.addresses, found.phones, found.has_contacts, None, documents)
        contact, access = relationship.contact, access_lookups.access_of(found.client, relationship)
        return cls(
            found.client,
            access,
            list(contact.email_addresses.open().order_by("id")),
            list(contact.phone_numbers.order_by("id").values_list("number", flat=True)),
            found.has_contacts,
            relationship,
            shareable.list_for(request.practice, access),
        )

    def form(self, data: Any | None = None, **kwargs: bool) -> ClientPortalForm:  # Any: Django's own.
        return ClientPortalForm(
            self.client, self.access, self.addresses, self.shareable, data, relationship=self.relationship, **kwargs
        )

    @property
    def shown_access(self) -> PortalAccess:
        """The access; an unsaved one that is off if none was ever saved."""
        return self.access or access_lookups.new_access(self.client, self.relationship)

    @property
    def called(self) -> str:
        """The first name of the person whose access is shown."""
        return self.shown_access.called

    @property
    def query(self) -> str:
        """The query with which the tab and its forms name the access; empty for the client's own."""
        return fix_urls.access_query(self.relationship)


def url_of(client: Client, relationship: Relationship | None) -> str:
    """Returns the address of the tab with the access of this person."""
    return reverse("office:client_portal", args=[client.ref]) + fix_urls.access_query(relationship)


@office_page(writers=CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    if request.method == "POST":
        return _save(request, ref)
    tab = PortalTab.of(request, ref)
    audit_log.record(AuditAction.CLIENT_PORTAL_VIEWED, practice=request.practice, client=tab.client, by=request.actor)
    editable = may_edit(request) and not tab.client.is_archived_now
    return _page(request, tab, tab.form(may_edit=editable))


@office_page(*CLIENT_EDITORS)
@require_POST
def save_draft(request: OfficeRequest, ref: str) -> HttpResponse:
    """Saves the draft of the invitation while it is being typed."""
    client = lookups.get_client(request, ref)
    form = InvitationTextForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.UNPROCESSABLE_CONTENT)
    invitations.save_draft(client, form.text, lookups.relationship_in_query(request, client))
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@office_page(*CLIENT_EDITORS)
@require_POST
def preview(request: OfficeRequest, ref: str) -> HttpResponse:
    """Renders the invitation with the current input, saved or not."""
    tab = PortalTab.of(request, ref)
    form = tab.form(request.POST)
    context = {"client": tab.client, "form": form, "result": TabResult(), "is_fragment": True} | _person(tab)
    context |= _invitation_preview(request, tab, form)
    return render(request, "office/client_portal/invitation/preview.html", context)


def pin_refused(
    request: OfficeRequest, ref: str, refusal: str, status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    """Renders the tab with the refusal beside the PIN button."""
    tab = PortalTab.of(request, ref)
    return _page(request, tab, tab.form(), TabResult(status, no_pin=refusal))


def _save(request: OfficeRequest, ref: str) -> HttpResponse:
    tab = PortalTab.of(request, ref)
    sending = request.POST.get("action") == "send"
    form = tab.form(request.POST, sending=sending)
    if not form.is_valid():
        return _page(request, tab, form, TabResult(HTTPStatus.UNPROCESSABLE_CONTENT))
    try:
        notice = _send(request, tab, form) if sending else _save_access(request, tab, form)
    except CannotSendInvitation as refusal:
        return _show_again(request, ref, TabResult(HTTPStatus.CONFLICT, str(refusal), fix=refusal.fix), sending=sending)
    except ClientConflict as refusal:
        result = TabResult(HTTPStatus.CONFLICT, str(refusal), changed_meanwhile=True)
        return _show_again(request, ref, result, sending=sending)
    except (AddressNotFound, ClientArchived, FormSentBefore, MailboxTaken, NotShareable, RelationshipEnded) as refusal:
        return _show_again(request, ref, TabResult(HTTPStatus.CONFLICT, str(refusal)), sending=sending)
    messages.success(request, notice)
    if tab.access is not None and (
        cards_notice := saved_card_notices.notice_after(
            tab.access, access_lookups.access_of(tab.client, tab.relationship), called=tab.called
        )
    ):
        messages.info(request, cards_notice)
    # The fragment scrolls up to the notice: at the same URL a browser would stay at the button.
    return redirect(f"{url_of(tab.client, tab.relationship)}#main")


def _save_access(request: OfficeRequest, tab: PortalTab, form: ClientPortalForm) -> str:
    version = form.cleaned_data["version"]
    is_first = tab.access is None
    access_grants.save_access(
        tab.client,
        form.entry,
        version=version,
        by=request.actor,
        relationship=tab.relationship,
        is_first=is_first,
    )
    if form.text != form.opening_text:
        invitations.save_draft(tab.client, form.text, tab.relationship)
    return _("Access was saved.")


def _send(request: OfficeRequest, tab: PortalTab, form: ClientPortalForm) -> str:
    sent = invitations_with_documents.send(
        tab.client,
        form.entry,
        form.text,
        shareable.versions_of(request.practice, form.cleaned_data["documents"]),
        form_key=form.cleaned_data["form_key"] or tokens.new_token(),
        version=form.cleaned_data["version"],
        by=request.actor,
        with_guide=form.cleaned_data["attach_guide"],
        relationship=tab.relationship,
    )
    return _("The invitation is on its way to %(address)s.") % {"address": sent.invitation.email.to_address}


def _show_again(request: OfficeRequest, ref: str, result: TabResult, *, sending: bool) -> HttpResponse:
    """Renders the page with the submitted input and the current version, so that saving again overwrites."""
    tab = PortalTab.of(request, ref)
    typed = request.POST.copy()
    typed["version"] = str(tab.access.version if tab.access is not None else 1)
    return _page(request, tab, tab.form(typed, sending=sending), result)


def _page(
    request: OfficeRequest, tab: PortalTab, form: ClientPortalForm, result: TabResult | None = None
) -> HttpResponse:
    result = result or TabResult()
    called, now = tab.called, clock.now()
    # A contact's cards are looked for; the client's own query says whether there are any.
    has_cards = tab.relationship is not None or saved_cards.has_cards(tab.client)
    history = portal_history.load(tab.client, tab.access)
    client_timeline = timeline.timeline_of(tab.client, tab.access, history, at=now)
    sessions = revocation.sessions_of(tab.access)
    context: dict[str, object] = {
        "client": tab.client,
        "form": form,
        "result": result,
        # If the client was archived meanwhile, the submitted input stays visible.
        "may_edit": may_edit(request) and (form.is_bound or not tab.client.is_archived_now),
        "is_resending": "resend" in request.GET,
        "timeline": client_timeline,
        "cards_stay": saved_card_notices.notice_before(tab.access, called=called) if has_cards else "",
        "banner": banner_and_event_labels.banner(client_timeline, called=called),
        "contact_rows": contacts_card.rows_of(tab.client) if tab.has_contacts else [],
        "unprinted": pdf.undrawable_characters(tab.client.name, tab.called),
        "stop": mail_stops.stop_of_access(tab.access),
        "facts": banner_and_event_labels.signed_in_facts(client_timeline),
        "sessions": sessions,
        "events": [banner_and_event_labels.event(each, called=called) for each in client_timeline.events],
    }
    context |= _person(tab) | _pin_and_sessions(tab, result) | _invitation_preview(request, tab, form)
    context |= chain_context(
        request,
        tab.client,
        tab.access,
        history,
        sessions=sessions,
        has_addresses=bool(tab.addresses),
        at=now,
        is_on_tab=True,
        relationship=tab.relationship,
    )
    return render(request, "office/client_portal/edit.html", context, status=result.status)


def _person(tab: PortalTab) -> dict[str, object]:
    """Returns the context that says whose access is shown."""
    return {
        "called": tab.called,
        "relationship": tab.relationship,
        "of_access": tab.query,
        "access": tab.access,
        "person_language": tab.shown_access.holder_language,
        "address_page": _address_page(tab.client, tab.relationship),
        "state": portal_states.state_of(tab.access).state,
    }


def _address_page(client: Client, relationship: Relationship | None) -> str:
    """Returns the page where the addresses of the person are edited."""
    if relationship is None:
        return reverse("office:client_info", args=[client.ref])
    return reverse("office:contact", args=[client.ref, relationship.ref])


def _pin_and_sessions(tab: PortalTab, result: TabResult) -> dict[str, object]:
    """Returns the context for PIN and sessions."""
    refusal = sign_in_pins.refusal(tab.client, tab.shown_access, tab.phones)
    return {
        "no_pin": refusal.fix if refusal else "",
        "why_no_pin": result.no_pin or str(refusal or ""),
        "pin": None if refusal else sign_in_pins.live_pin_of(tab.access),
        "phones": tab.phones,
        "client_number": client_numbers.number_of(tab.client),
        "pin_form_key": tokens.new_token(),
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "may_end": eligibility.is_eligible(tab.access, Purpose.SIGN_IN_BY_PIN),
    }


def _invitation_preview(request: OfficeRequest, tab: PortalTab, form: ClientPortalForm) -> dict[str, object]:
    """Returns the context for the invitation: its preview, and what prevents sending it."""
    is_invalid = form.is_bound and not form.is_valid()
    errors = [*form.errors.get("subject", []), *form.errors.get("message", [])] if is_invalid else []
    text = form.text if form.is_bound and not errors else form.opening_text
    broken = eligibility.first_broken(form.access_as_typed, Purpose.INVITATION)
    return {
        "letter": None if errors else _letter(tab, form, text),
        "letter_complaints": errors,
        "sender_address": settings.EMAIL_FROM,
        # Called by the template, with the client's language active.
        "link_works_for": partial(rendering.duration, settings.SIGNIN_LINK_TTL),
        "placeholders": invitation_text.PLACEHOLDERS,
        # What prevents sending with the current input, shown before the button is pressed.
        "needed_fix": broken.fix.name if broken is not None else _guardian_fix(tab),
    }


def _guardian_fix(tab: PortalTab) -> str:
    """Returns the name of the fix if a minor needs a guardian first; empty otherwise. Queries only for minors."""
    return eligibility_steps.ADD_GUARDIAN.name if guardians.is_needed(tab.shown_access) else ""


def _letter(tab: PortalTab, form: ClientPortalForm, text: InvitationText) -> ExpandedText:
    """Returns what the person gets, in their language."""
    with translation.override(tab.shown_access.holder_language):
        documents = enclosed_documents.announced(form, tab.shareable)
        return invitation_text.announce(invitation_text.expand(text, tab.client, first_name=tab.called), documents)
