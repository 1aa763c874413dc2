"""Pages of a contact: adding, editing, ending, and deciding what happens when the client comes of age."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import contact_changes
from portico.domain.access.access_grants import MailboxTaken
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.contacts import AlreadyContact, RelationshipEnded
from portico.domain.clients.email_address_changes import DuplicateAddress
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.audit import audit_log
from portico.plumbing.form_keys import FormSentBefore
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups
from portico.web.office.clients import edit_conflicts
from portico.web.office.clients.edit_conflicts import FieldConflict
from portico.web.office.contacts.contact_form import ContactForms
from portico.web.office.roles import CLIENT_EDITORS
from portico.web.office.shown_refusals import show_refusal

_REFUSALS = (DuplicateAddress, ClientArchived, FormSentBefore, AlreadyContact, RelationshipEnded, MailboxTaken)


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    if request.method != "POST":
        return _page(request, client, ContactForms(client))
    forms = ContactForms(client, data=request.POST)
    if (rearranged := forms.rearranged(request.POST)) is not None:
        return _page(request, client, rearranged)
    if not forms.is_valid():
        return _page(request, client, forms, HTTPStatus.UNPROCESSABLE_CONTENT)
    try:
        relationship = _add(request, client, forms)
    except _REFUSALS as refusal:
        forms.details.add_error(None, str(refusal))
        return _page(request, client, forms, HTTPStatus.CONFLICT)
    names = {"name": relationship.contact.name, "client": client.called}
    messages.success(request, _("%(name)s is now a contact of %(client)s. Portal access is off.") % names)
    return redirect("office:client", ref=ref)


def _add(request: OfficeRequest, client: Client, forms: ContactForms) -> Relationship:
    link = forms.link
    if link is not None and link.contact is not None:
        return contacts.link(client, link.contact, forms.entry.kind, by=request.actor)
    form_key = forms.details.cleaned_data["form_key"]
    return contacts.add(client, forms.entry, form_key=form_key, by=request.actor)


@office_page(*CLIENT_EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: OfficeRequest, ref: str, contact: str) -> HttpResponse:
    relationship = lookups.get_relationship(request, ref, contact)
    client = relationship.client
    if request.method != "POST":
        audit_log.record(
            AuditAction.CONTACT_VIEWED,
            practice=request.practice,
            client=client,
            by=request.actor,
            about=relationship.ref,
            name=relationship.contact.name,
        )
        return _page(request, client, ContactForms.saved(relationship), relationship=relationship)
    forms = ContactForms(client, relationship, data=request.POST)
    if (rearranged := forms.rearranged(request.POST)) is not None:
        return _page(request, client, rearranged, relationship=relationship)
    if not forms.is_valid():
        return _page(request, client, forms, HTTPStatus.UNPROCESSABLE_CONTENT, relationship=relationship)
    try:
        version = forms.details.cleaned_data["version"]
        contact_changes.save_contact(relationship, forms.entry, version=version, by=request.actor)
    except ClientConflict:
        return _show_conflicts(request, lookups.get_relationship(request, ref, contact), forms)
    except _REFUSALS as refusal:
        forms.details.add_error(None, str(refusal))
        return _page(request, client, forms, HTTPStatus.CONFLICT, relationship=relationship)
    if forms.has_outdated_ok:
        text = _("Email ok was cleared for the new address. Check it when %(name)s agrees to receive email there.")
        messages.warning(request, text % {"name": forms.entry.first_name})
    messages.success(request, _("%(name)s was saved.") % {"name": forms.entry.first_name})
    return redirect("office:client", ref=ref)


def _show_conflicts(request: OfficeRequest, relationship: Relationship, typed: ContactForms) -> HttpResponse:
    """Shows the input beside what someone else saved meanwhile; saving again overwrites that."""
    saved, client = ContactForms.saved(relationship), relationship.client
    merged = ContactForms(client, relationship, start=edit_conflicts.merge_rows(typed.start, saved.start))
    conflicts = edit_conflicts.conflicts_between(typed, saved)
    return _page(request, client, merged, HTTPStatus.CONFLICT, relationship=relationship, conflicts=conflicts)


@office_page(*CLIENT_EDITORS)
@require_POST
def end(request: OfficeRequest, ref: str, contact: str) -> HttpResponse:
    relationship = lookups.get_relationship(request, ref, contact)
    contact_changes.end(relationship, by=request.actor)
    names = {"name": relationship.contact.name, "client": relationship.client.called}
    text = _("%(name)s is no longer a contact of %(client)s, and can no longer see %(client)s’s portal.")
    messages.success(request, text % names)
    return redirect("office:client", ref=ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def keep_access(request: OfficeRequest, ref: str, contact: str) -> HttpResponse:
    """Records that a guardian keeps the access as it is when the client comes of age."""
    relationship = lookups.get_relationship(request, ref, contact)
    contact_changes.decide_majority(relationship, by=request.actor)
    messages.success(request, _("%(name)s keeps access.") % {"name": relationship.contact.name})
    return redirect("office:client", ref=ref)


@office_page(*CLIENT_EDITORS)
@require_POST
def set_parents_apart(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    apart = "apart" in request.POST
    with show_refusal(request):
        contacts.set_parents_apart(client, apart=apart, by=request.actor)
        text = (
            _("Note added: the parents live apart.")
            if apart
            else _("The note that the parents live apart was removed.")
        )
        messages.success(request, text)
    return redirect("office:client", ref=ref)


def _page(
    request: OfficeRequest,
    client: Client,
    forms: ContactForms,
    status: HTTPStatus = HTTPStatus.OK,
    *,
    relationship: Relationship | None = None,
    conflicts: list[FieldConflict] | None = None,
) -> HttpResponse:
    if relationship is not None and (forms.details.is_bound or conflicts is not None):
        forms.attach(relationship.contact.email_addresses.open())
    context = {"client": client, "forms": forms, "relationship": relationship, "conflicts": conflicts}
    return render(request, "office/contacts/edit.html", context, status=status)
