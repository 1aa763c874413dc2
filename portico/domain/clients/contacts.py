"""Contacts of a client: adding, editing, and ending the relationship.

Pages change contacts by way of `access.contact_changes`, which also updates portal access.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details, email_address_changes, phone_number_changes, search_terms
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.client_input import ContactInput
from portico.domain.clients.email_address_changes import AddressChanges
from portico.domain.clients.models import (
    Client,
    Contact,
    EmailAddress,
    PhoneNumber,
    Relationship,
    RelationshipKind,
)
from portico.domain.practices.models import Practice
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import mailbox_key

KIND = "contact"
_DETAILS = ("first_name", "last_name", "language", "also_client")


class RelationshipEnded(Refused):
    message = gettext_lazy("This contact was removed from the client. Add the contact again first.")


class AlreadyContact(Refused):
    """The person is a contact of this client already."""

    message = gettext_lazy("This person is already a contact of the client.")


@dataclass(frozen=True)
class AddressOwner:
    """A person who has an address already: a client, or a contact, named with whom they belong to."""

    address: str
    client: Client | None
    contact: Contact | None

    @property
    def name(self) -> str:
        return self.client.name if self.client is not None else self.contact.name if self.contact is not None else ""


def has_guardian(client: Client) -> bool:
    """Returns True if a contact is the client's guardian now."""
    return Relationship.objects.current().guardians().filter(client=client).exists()


def owners_of(practice: Practice, addresses: Iterable[str], *, besides: Contact | None = None) -> list[AddressOwner]:
    """Returns the clients and contacts of the practice who have one of these addresses now, in one query."""
    keys = {mailbox_key(address) for address in addresses}
    if not keys:
        return []
    rows = EmailAddress.objects.open().filter(practice=practice, mailbox_key__in=keys)
    if besides is not None:
        rows = rows.exclude(contact=besides)
    return [
        AddressOwner(row.address, row.client, row.contact)
        for row in rows.select_related("client", "contact").order_by("id")
    ]


@retry_on_deadlock
def add(client: Client, entry: ContactInput, *, form_key: str, by: Actor) -> Relationship:
    """Adds a new contact to a client. Submitting the same form again returns the first one.

    Raises ClientArchived, email_address_changes.DuplicateAddress, FormSentBefore.
    """
    email_address_changes.refuse_duplicates(entry.addresses)
    with transaction.atomic():
        row = client_details.lock(client)
        earlier = _find_earlier(row, form_key, entry)
        if earlier is not None:
            return earlier
        _refuse_archived(row)
        contact = Contact(practice=row.practice)
        _set_details(contact, entry)
        contact.save()
        addresses = [email_address_changes.new_address(row, each, by=by, contact=contact) for each in entry.addresses]
        EmailAddress.objects.bulk_create(addresses)
        PhoneNumber.objects.bulk_create(phone_number_changes.new_phones(contact, entry.phones))
        relationship = _relate(row, contact, entry.kind, form_key=form_key, by=by)
        search_terms.refresh_terms(row)
        audit_log.record_all(
            each for address in addresses for each in email_address_changes.audit_entries(address, row, by=by)
        )
        form_keys.store(relationship, form_key, entry, kind=KIND)
    return relationship


@retry_on_deadlock
def link(client: Client, contact: Contact, kind: str, *, by: Actor) -> Relationship:
    """Makes an existing contact, such as the parent of a sibling, one of the client's.

    Raises ClientArchived, AlreadyContact.
    """
    with transaction.atomic():
        row = client_details.lock(client)
        _refuse_archived(row)
        # A colleague who saves the contact at this moment writes the search terms of this client, too, or we do.
        contact = Contact.objects.locked().get(pk=contact.pk, practice=row.practice)
        if row.relationships.current().filter(contact=contact).exists():
            raise AlreadyContact
        relationship = _relate(row, contact, kind, form_key="", by=by)
        search_terms.refresh_terms(row)
    return relationship


def save(relationship: Relationship, entry: ContactInput, *, version: int, by: Actor) -> AddressChanges:
    """Saves a contact and the kind of the relationship. In the caller's transaction, with client and contact locked.

    Raises ClientConflict, RelationshipEnded, email_address_changes.DuplicateAddress.
    """
    contact, client = relationship.contact, relationship.client
    if contact.version != version:
        raise ClientConflict
    if not relationship.is_current:
        raise RelationshipEnded
    fields = _set_details(contact, entry)
    changes = email_address_changes.save_addresses(client, entry.addresses, by=by, contact=contact)
    if phone_number_changes.save_phones(contact, entry.phones):
        fields.append("phones")
    if relationship.kind != entry.kind:
        relationship.kind = entry.kind
        relationship.save(update_fields=["kind"])
        fields.append("kind")
    if fields or changes.closed or changes.opened or changes.withdrawn or changes.recorded:
        contact.version += 1
        contact.save()
        search_terms.refresh_terms_with_contact(contact)
    if fields:
        _record(AuditAction.CONTACT_EDITED, relationship, by=by, fields=", ".join(fields))
    return changes


def replace_address(
    relationship: Relationship, row: EmailAddress, address: str, *, recorded_by: str, by: Actor
) -> EmailAddress:
    """Replaces an address of the contact by one with consent; see `email_address_changes.replace_with_consent`.

    In the caller's transaction, with the client locked.
    """
    contact = Contact.objects.locked().get(pk=relationship.contact_id)
    contact.version += 1
    contact.save(update_fields=["version"])
    replacement = email_address_changes.replace_with_consent(
        relationship.client, row, address, recorded_by=recorded_by, by=by, contact=contact
    )
    search_terms.refresh_terms_with_contact(contact)
    return replacement


def end(relationship: Relationship, *, by: Actor) -> None:
    """Ends a current relationship. In the caller's transaction, with the client locked."""
    relationship.ended_at, relationship.ended_by = clock.now(), by.name[:100]
    relationship.save(update_fields=["ended_at", "ended_by"])
    search_terms.refresh_terms(relationship.client)
    _record(AuditAction.CONTACT_ENDED, relationship, by=by)


def set_parents_apart(client: Client, *, apart: bool, by: Actor) -> Client:
    """Records whether the client's parents live apart, which pages for sharing point out. Idempotent."""
    with transaction.atomic():
        row = client_details.lock(client)
        if apart == (row.parents_apart_at is not None):
            return row
        row.parents_apart_at = clock.now() if apart else None
        row.save(update_fields=["parents_apart_at"])
        action = AuditAction.PARENTS_APART_RECORDED if apart else AuditAction.PARENTS_APART_CLEARED
        audit_log.record(action, practice=row.practice, client=row, by=by)
    return row


def _find_earlier(client: Client, form_key: str, entry: ContactInput) -> Relationship | None:
    rows = Relationship.objects.filter(client=client).select_related("contact")
    return form_keys.find_result(
        rows,
        form_key,
        entry,
        kind=KIND,
        describe=lambda found: _("a new contact, %(name)s") % {"name": found.contact.name},
    )


def _refuse_archived(client: Client) -> None:
    if client.is_archived_now:
        raise ClientArchived


def _relate(client: Client, contact: Contact, kind: str, *, form_key: str, by: Actor) -> Relationship:
    relationship = Relationship(
        practice=client.practice,
        client=client,
        contact=contact,
        kind=kind,
        began_on=clock.today(client.practice.time_zone),
        form_key=form_key,
    )
    relationship.save()
    _record(AuditAction.CONTACT_ADDED, relationship, by=by)
    return relationship


def _set_details(contact: Contact, entry: ContactInput) -> list[str]:
    """Sets the details on the row, unsaved. Returns the names of the fields that changed."""
    changed = [name for name in _DETAILS if getattr(contact, name) != getattr(entry, name)]
    for name in changed:
        setattr(contact, name, getattr(entry, name))
    return changed


def _record(action: AuditAction, relationship: Relationship, *, by: Actor, **details: str) -> None:
    client, contact = relationship.client, relationship.contact
    audit_log.record(
        action,
        practice=client.practice,
        client=client,
        by=by,
        about=relationship.ref,
        name=contact.name,
        relationship=RelationshipKind(relationship.kind).value,
        **details,
    )
