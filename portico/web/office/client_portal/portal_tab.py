"""The `Client Portal` tab: access, sign-in address, invitation and its delivery."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import access_grants, access_lookups
from portico.domain.access.access_grants import AddressNotFound, MailboxTaken
from portico.domain.access.onboarding import invitations
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import invitations as invitations_with_documents
from portico.domain.documents.sharing import shareable
from portico.plumbing import tokens
from portico.plumbing.audit import audit_log
from portico.plumbing.form_keys import FormSentBefore
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.client_portal import portal_tab_page, saved_card_notices, shown_access
from portico.web.office.client_portal.portal_tab_form import ClientPortalForm, InvitationTextForm
from portico.web.office.client_portal.portal_tab_page import TabResult
from portico.web.office.client_portal.shown_access import PortalTab
from portico.web.office.roles import CLIENT_EDITORS, may_edit


@office_page(writers=CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    if request.method == "POST":
        return _save(request, ref)
    tab = PortalTab.of(request, ref)
    audit_log.record(AuditAction.CLIENT_PORTAL_VIEWED, practice=request.practice, client=tab.client, by=request.actor)
    editable = may_edit(request) and not tab.client.is_archived_now
    return portal_tab_page.render_tab(request, tab, tab.form(may_edit=editable))


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
    return portal_tab_page.render_preview(request, tab, tab.form(request.POST))


def pin_refused(
    request: OfficeRequest, ref: str, refusal: str, status: HTTPStatus = HTTPStatus.CONFLICT
) -> HttpResponse:
    """Renders the tab with the refusal beside the PIN button."""
    tab = PortalTab.of(request, ref)
    return portal_tab_page.render_tab(request, tab, tab.form(), TabResult(status, no_pin=refusal))


def _save(request: OfficeRequest, ref: str) -> HttpResponse:
    tab = PortalTab.of(request, ref)
    sending = request.POST.get("action") == "send"
    form = tab.form(request.POST, sending=sending)
    if not form.is_valid():
        return portal_tab_page.render_tab(request, tab, form, TabResult(HTTPStatus.UNPROCESSABLE_CONTENT))
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
    return redirect(f"{shown_access.url_of(tab.client, tab.relationship)}#main")


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
    return portal_tab_page.render_tab(request, tab, tab.form(typed, sending=sending), result)
