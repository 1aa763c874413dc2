"""`Client Info`: names, email addresses with consent, and phone numbers in one form."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portico.domain.access import access_lookups, client_changes
from portico.domain.access.access_grants import MailboxTaken
from portico.domain.access.client_changes import ClientChange
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.email_address_changes import DuplicateAddress
from portico.domain.clients.models import Client, EmailAddress, PortalState
from portico.plumbing.audit import audit_log
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.client_portal import saved_card_notices
from portico.web.office.clients import edit_conflicts
from portico.web.office.clients.address_and_phone_forms import suggestion_for
from portico.web.office.clients.client_info_form import ClientForms, ClientInitial
from portico.web.office.clients.edit_conflicts import FieldConflict
from portico.web.office.roles import CLIENT_EDITORS, may_edit


@office_page(writers=CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str) -> HttpResponse:
    if request.method == "POST":
        return _save(request, lookups.get_client(request, ref))
    client = lookups.get_client(request, ref)
    audit_log.record(AuditAction.CLIENT_INFO_VIEWED, practice=request.practice, client=client, by=request.actor)
    if not may_edit(request):
        return _read_only(request, client)
    return _page(request, client, ClientForms(request.practice, client, start=_initial_of(client)))


def _read_only(request: OfficeRequest, client: Client) -> HttpResponse:
    context = {
        "client": client,
        "client_number": client_numbers.number_of(client),
        "addresses": client.email_addresses.open().order_by("id"),
        "phones": client.phone_numbers.order_by("id"),
    }
    return render(request, "office/clients/client_info/read.html", context)


def _save(request: OfficeRequest, client: Client) -> HttpResponse:
    forms = ClientForms(request.practice, client, data=request.POST)
    rearranged = forms.rearranged(request.POST)
    if rearranged is not None:
        return _page(request, client, rearranged)
    if not forms.is_valid():
        return _page(request, client, forms, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    before = access_lookups.access_of(client)
    try:
        version = forms.details.cleaned_data["version"]
        saved = client_changes.save_client_info(client, forms.entry, version=version, by=request.actor)
    except ClientConflict:
        return _show_conflicts(request, client.ref, forms)
    except (DuplicateAddress, ClientArchived, MailboxTaken) as refusal:
        forms.details.add_error(None, str(refusal))
        return _page(request, client, forms, status=HTTPStatus.CONFLICT)
    if forms.has_outdated_ok:
        text = _("Email ok was cleared for the new address. Check it when %(name)s agrees to receive email there.")
        messages.warning(request, text % {"name": saved.client.called})
    return _redirect_after_save(request, saved, before)


def _redirect_after_save(request: OfficeRequest, saved: ClientChange, before: PortalAccess | None) -> HttpResponse:
    client = saved.client
    for row in client.email_addresses.open():
        if meant := suggestion_for(row.address):
            question = _("Is %(address)s spelled right? Did you mean %(meant)s?")
            messages.warning(request, question % {"address": row.address, "meant": meant})
    messages.add_message(request, *_notice(saved))
    if saved.portal_address_replaced or saved.portal_address_removed:
        _add_cards_notice(request, client, before)
    # The next step with a new portal address is to send an invitation, on the other tab.
    return redirect("office:client_portal" if saved.portal_address_replaced else "office:client_info", ref=client.ref)


def _add_cards_notice(request: OfficeRequest, client: Client, before: PortalAccess | None) -> None:
    if notice := saved_card_notices.notice_after(before, access_lookups.access_of(client), called=client.called):
        messages.info(request, notice)


def _notice(saved: ClientChange) -> tuple[int, str]:
    name = {"name": saved.client.called}
    is_on = saved.client.portal_state != PortalState.NO_ACCESS
    if saved.portal_address_replaced and is_on:
        text = _(
            "Saved. %(name)s now signs in with the new address. Links sent to the old one no longer work. "
            "Invite the new address below; nothing has been sent yet."
        )
        return messages.SUCCESS, text % name
    if saved.portal_address_replaced:
        text = _("Saved. The new address is chosen for the portal; %(name)s can’t sign in while access is off.")
        return messages.SUCCESS, text % name
    if saved.portal_address_removed and is_on:
        text = _("Saved. Access is on, but %(name)s can’t sign in until you choose another address.")
        return messages.WARNING, text % name
    return messages.SUCCESS, _("Client Info was saved.")


def _show_conflicts(request: OfficeRequest, ref: str, typed: ClientForms) -> HttpResponse:
    """Shows the input beside what someone else saved meanwhile, with the current version: saving again overwrites."""
    client = lookups.get_client(request, ref)
    saved = ClientForms(request.practice, client, start=_initial_of(client))
    merged = edit_conflicts.merge_rows(typed.start, saved.start)
    forms = ClientForms(request.practice, client, start=merged)
    conflicts = edit_conflicts.conflicts_between(typed, saved)
    return _page(request, client, forms, status=HTTPStatus.CONFLICT, conflicts=conflicts, changed_meanwhile=True)


def _initial_of(client: Client) -> ClientInitial:
    return ClientInitial.saved(
        client, client.email_addresses.open().order_by("id"), client.phone_numbers.order_by("id")
    )


def _page(
    request: OfficeRequest,
    client: Client,
    forms: ClientForms,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    conflicts: list[FieldConflict] | None = None,
    changed_meanwhile: bool = False,
) -> HttpResponse:
    access = access_lookups.access_of(client)
    portal_address = _attach_saved_addresses(forms, client, access)
    context = {
        "client": client,
        "forms": forms,
        "access": access,
        "portal_address": portal_address,
        "cards_stay": saved_card_notices.notice_before(access, called=client.called),
        "loses_portal_address": portal_address is not None and not any(row.signs_in for row in forms.addresses.forms),
        "changed_meanwhile": changed_meanwhile,
        "conflicts": conflicts or [],
    }
    return render(request, "office/clients/client_info/edit.html", context, status=status)


def _attach_saved_addresses(forms: ClientForms, client: Client, access: PortalAccess | None) -> EmailAddress | None:
    """Sets the saved address on each form; returns the sign-in address if access is on."""
    saved_by_ref = {row.ref: row for row in client.email_addresses.open()}
    signs_in = access.address if access is not None and access.is_on else None
    for form in forms.addresses.forms:
        form.standing = saved_by_ref.get(str(form["id"].value() or ""))
        form.signs_in = form.standing is not None and signs_in is not None and form.standing.pk == signs_in.pk
    return signs_in
