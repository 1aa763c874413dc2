"""Changes to a client that affect portal access: addresses, consent, archiving."""

from dataclasses import dataclass

from django.db import transaction

from portico.domain.access import access_grants, access_locks, portal_accounts, portal_states
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details
from portico.domain.clients.client_input import ClientInput
from portico.domain.clients.email_address_changes import AddressChanges
from portico.domain.clients.models import Client, Status
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock


@dataclass(frozen=True)
class ClientChange:
    """The saved client, and whether the address that signs in was replaced or removed."""

    client: Client
    portal_address_replaced: bool
    portal_address_removed: bool


@retry_on_deadlock
def save_client_info(client: Client, entry: ClientInput, *, version: int, by: Actor) -> ClientChange:
    """Saves `Client Info`. If the address that signs in was replaced, the new one signs in from now on.

    Raises client_details.ClientConflict, client_details.ClientArchived, email_addresses.DuplicateAddress,
    access_grants.MailboxTaken.
    """
    with access_locks.lock_access(client) as (row, access):
        changes = client_details.save(row, entry, version=version, by=by)
        saved = _update_access(row, access, changes, by=by)
        portal_states.store(access)
    return saved


def _update_access(client: Client, access: PortalAccess, changes: AddressChanges, *, by: Actor) -> ClientChange:
    closed = {row.pk for row in changes.closed}
    if access.address_id in closed:
        replacement = changes.replaced.get(access.address_id)
        access_grants.choose_address(access, replacement, by=by)
        return ClientChange(client, replacement is not None, replacement is None)
    # The row with the consent as it is now, from which the caller computes the portal state.
    access.address = next((row for row in changes.reconsidered if row.pk == access.address_id), access.address)
    if access.account is not None and access.address_id in {row.pk for row in changes.withdrawn}:
        access.consent_epoch = portal_accounts.save_next_epoch(access.account)
        access.save(update_fields=["consent_epoch"])
    return ClientChange(client, portal_address_replaced=False, portal_address_removed=False)


def set_reminders(client: Client, *, on: bool, by: Actor) -> Client:
    """Turns reminders of unpaid bills on or off for a client. Idempotent."""
    with transaction.atomic():
        row = client_details.lock(client)
        if on == (row.reminders_off_at is None):
            return row
        row.reminders_off_at = None if on else clock.now()
        row.save(update_fields=["reminders_off_at"])
        action = AuditAction.REMINDERS_TURNED_ON if on else AuditAction.REMINDERS_TURNED_OFF
        audit_log.record(action, practice=row.practice, client=row, by=by)
    return row


@retry_on_deadlock
def archive(client: Client, *, by: Actor) -> Client:
    """Archives a client and turns off every access, also those of contacts. Idempotent."""
    with access_locks.lock_accesses(client) as (row, accesses):
        if row.status == Status.ARCHIVED:
            return row
        client_details.set_status(row, Status.ARCHIVED, action=AuditAction.CLIENT_ARCHIVED, by=by)
        for access in accesses:
            access_grants.turn_off(access, by=by)
        portal_states.store_all(accesses)
    return row


@retry_on_deadlock
def restore(client: Client, *, by: Actor) -> Client:
    """Makes an archived client active again; access stays off. Idempotent."""
    with access_locks.lock_access(client) as (row, access):
        if row.status != Status.ARCHIVED:
            return row
        client_details.set_status(row, Status.ACTIVE, action=AuditAction.CLIENT_RESTORED, by=by)
        portal_states.store(access)
    return row
