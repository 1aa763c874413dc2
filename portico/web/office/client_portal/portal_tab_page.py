"""Renders the `Client Portal` tab, and the preview of the invitation alone."""

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from portico.domain.access import eligibility, eligibility_steps, guardians, mail_stops, portal_states, revocation
from portico.domain.access.diagnosis import portal_history, timeline
from portico.domain.access.eligibility import Purpose
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.invitation_text import ExpandedText, InvitationText
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.billing.card_payments import saved_cards
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client, Relationship
from portico.gateways import pdf
from portico.plumbing import clock, tokens
from portico.plumbing.mail import rendering
from portico.web.http.request_types import OfficeRequest
from portico.web.office.client_portal import contacts_card, enclosed_documents, saved_card_notices
from portico.web.office.client_portal.diagnosis import banner_and_event_labels
from portico.web.office.client_portal.diagnosis.chain_context import chain_context
from portico.web.office.client_portal.portal_tab_form import ClientPortalForm
from portico.web.office.client_portal.shown_access import PortalTab
from portico.web.office.roles import may_edit


@dataclass(frozen=True)
class TabResult:
    """The outcome of a refused save. `fix` names the action that would allow the invitation to be sent."""

    status: HTTPStatus = HTTPStatus.OK
    refusal: str = ""
    fix: str = ""
    no_pin: str = ""
    changed_meanwhile: bool = False


def render_tab(
    request: OfficeRequest, tab: PortalTab, form: ClientPortalForm, result: TabResult | None = None
) -> HttpResponse:
    """Renders the page; without `result`, after no save was refused."""
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
    context |= _person(tab) | _pin_and_sessions(tab, result) | _invitation_preview(tab, form)
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


def render_preview(request: OfficeRequest, tab: PortalTab, form: ClientPortalForm) -> HttpResponse:
    """Renders the invitation alone, for htmx."""
    context = {"client": tab.client, "form": form, "result": TabResult(), "is_fragment": True}
    context |= _person(tab) | _invitation_preview(tab, form)
    return render(request, "office/client_portal/invitation/preview.html", context)


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


def _invitation_preview(tab: PortalTab, form: ClientPortalForm) -> dict[str, object]:
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
        return invitation_text.announce(invitation_text.expand(text, tab.shown_access), documents)
