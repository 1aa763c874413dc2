"""Changes to contacts that affect portal access: addresses, consent, and the end of a relationship."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from portico.domain.access import access_grants, access_locks, portal_accounts, portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details, contacts
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.client_input import ContactInput
from portico.domain.clients.email_address_changes import AddressChanges
from portico.domain.clients.models import Client, Contact, Relationship
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock


@contextmanager
def lock_contact(relationship: Relationship) -> Iterator[tuple[Relationship, list[PortalAccess]]]:
    """Locks accounts, clients, contact and accesses of a contact; yields the relationship and all the accesses.

    The accounts are locked before the clients. Raises ClientConflict if an access got another account in between.
    """
    with transaction.atomic():
        held = PortalAccess.objects.filter(relationship__contact=relationship.contact_id)
        locked = PortalAccount.objects.locked().filter(pk__in=held.values("account")).order_by("pk")
        accounts = {account.pk: account for account in locked}
        of_contact = Relationship.objects.filter(contact=relationship.contact_id)
        related = Client.objects.locked().filter(pk__in=of_contact.values("client")).order_by("pk")
        clients = {client.pk: client for client in related.select_related("practice")}
        contact = Contact.objects.locked().get(pk=relationship.contact_id)
        row = Relationship.objects.get(pk=relationship.pk)
        row.client, row.contact = clients[row.client_id], contact
        accesses = list(held.locked().select_related("address", "relationship").order_by("pk"))
        for access in accesses:
            if access.account_id is not None and access.account_id not in accounts:
                raise ClientConflict
            access.client = clients[access.client_id]
            access.account = accounts[access.account_id] if access.account_id is not None else None
            if access.relationship is not None:
                access.relationship.contact = contact
        yield row, accesses


@retry_on_deadlock
def save_contact(relationship: Relationship, entry: ContactInput, *, version: int, by: Actor) -> Relationship:
    """Saves a contact. An address that was replaced signs in with the new one, for every client of the contact.

    Raises ClientConflict, ClientArchived, contacts.RelationshipEnded, email_addresses.DuplicateAddress,
    access_grants.MailboxTaken.
    """
    with lock_contact(relationship) as (row, accesses):
        if row.client.is_archived_now:
            raise ClientArchived
        changes = contacts.save(row, entry, version=version, by=by)
        for access in accesses:
            _update_access(access, changes, by=by)
        portal_states.store_all(accesses)
    return row


@retry_on_deadlock
def end(relationship: Relationship, *, by: Actor) -> Relationship:
    """Ends a relationship and turns its access off: the contact loses the client at once. Idempotent."""
    with access_locks.lock_access(relationship.client, relationship) as (_row, access):
        current = access.relationship
        if current is None or not current.is_current:
            return current or relationship
        if access._state.adding:
            contacts.end(current, by=by)
            return current
        access_grants.turn_off(access, by=by)
        contacts.end(current, by=by)
        portal_states.store(access)
    return current


@retry_on_deadlock
def decide_majority(relationship: Relationship, *, by: Actor) -> Relationship:
    """Records that staff decided about a guardian's access of a client who comes of age. Idempotent."""
    with transaction.atomic():
        client = client_details.lock(relationship.client)
        row = Relationship.objects.select_related("contact").get(pk=relationship.pk, client=client)
        if row.majority_decided_at is not None:
            return row
        row.majority_decided_at = clock.now()
        row.save(update_fields=["majority_decided_at"])
        audit_log.record(
            AuditAction.MAJORITY_DECIDED,
            practice=client.practice,
            client=client,
            by=by,
            about=row.ref,
            name=row.contact.name,
        )
    return row


def _update_access(access: PortalAccess, changes: AddressChanges, *, by: Actor) -> None:
    if access.address_id in {row.pk for row in changes.closed}:
        access_grants.choose_address(access, changes.replaced.get(access.address_id or 0), by=by)
        return
    access.address = next((row for row in changes.reconsidered if row.pk == access.address_id), access.address)
    if access.account is not None and access.address_id in {row.pk for row in changes.withdrawn}:
        access.consent_epoch = portal_accounts.save_next_epoch(access.account)
        access.save(update_fields=["consent_epoch"])
