"""Portal access: turning it on and off, choosing the address that signs in, and setting options.

Each operation is about the client's own access, or about that of a contact if it is given the relationship.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portico.domain.access import access_locks, access_lookups, holders, mail_stops, portal_accounts, portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.notices import notices
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.contacts import RelationshipEnded
from portico.domain.clients.models import Client, EmailAddress, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import AuditEntry, MailStop
from portico.plumbing.refusals import Refused


class AddressNotFound(Refused):
    """The chosen address is not one of the client's open addresses."""


@dataclass(frozen=True)
class AccessInput:
    """The access settings submitted in the `Client Portal` tab; `address` is a ref, None for no address."""

    enabled: bool
    address: str | None
    access_billing_documents: bool
    pay_by_card: bool
    signs_documents: bool = True

    @property
    def options(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in access_lookups.OPTIONS}


class MailboxTaken(Refused):
    """Another access of the same client is on for the same mailbox."""


@retry_on_deadlock
def save_access(
    client: Client,
    entry: AccessInput,
    *,
    version: int | None,
    by: Actor,
    relationship: Relationship | None = None,
    is_first: bool = False,
) -> PortalAccess:
    """Saves the switch, the address and the options.

    `version` is the version of the access that the form was rendered with; None if the client is being created.
    `is_first`: the caller found no saved access, so turning it on reads none. If there is one by now, its unique
    constraint undoes that, and it is read.
    Raises ClientConflict, ClientArchived, AddressNotFound, RelationshipEnded, MailboxTaken.
    """
    if is_first and entry.enabled and relationship is None:
        with suppress(IntegrityError):
            return _save_access(client, None, entry, version=version, by=by, is_first=True)
    return _save_access(client, relationship, entry, version=version, by=by)


def _save_access(
    client: Client,
    relationship: Relationship | None,
    entry: AccessInput,
    *,
    version: int | None,
    by: Actor,
    is_first: bool = False,
) -> PortalAccess:
    with access_locks.lock_access(client, relationship, is_first=is_first) as (row, access):
        # A form that is submitted twice finds its own change the second time: that is no conflict.
        if version is not None and access.version != version and not _matches(access, entry):
            raise ClientConflict
        _refuse_archived(row, entry)
        apply(access, entry, by=by)
        portal_states.store(access)
    return access


@dataclass(frozen=True)
class FirstAccess:
    """The access settings of a new client; `address` signs in, and `entry.address` is ignored."""

    client: Client
    address: EmailAddress | None
    entry: AccessInput


def save_first(practice: Practice, wanted: Sequence[FirstAccess], *, by: Actor) -> None:
    """Saves the access of new clients as `save_access` does, with one statement for each table.

    In the transaction that creates the clients. Raises ClientArchived.
    """
    mailboxes = {each.address.mailbox_key for each in wanted if each.address is not None}
    accounts = portal_accounts.accounts_for_mailboxes(practice.pk, mailboxes)
    stops = mail_stops.stops_of(each.address for each in wanted if each.address is not None)
    accesses, entries = list[PortalAccess](), list[AuditEntry]()

    def account_for(address: EmailAddress) -> PortalAccount:
        return accounts[address.mailbox_key]

    def stop_of(address: EmailAddress | None) -> MailStop | None:
        return stops.get(address.mailbox_key) if address is not None else None

    for each in wanted:
        _refuse_archived(each.client, each.entry)
        # Just created: there are no other accesses to look for.
        each.client.__dict__["with_contacts"] = False
        access = PortalAccess.of(each.client, practice=practice)
        changes = _changes(access, each.address, each.entry, by=by, account_for=account_for, stop_of=stop_of)
        if made := _advance(access, changes, portal_accounts.advance_epoch):
            accesses.append(access)
            entries += made
    portal_accounts.save_all(accounts.values())
    PortalAccess.objects.bulk_create(accesses)
    audit_log.record_all(entries)
    portal_states.store_all(accesses)


@dataclass(frozen=True)
class _Change:
    """One change to a locked access, made in memory: its audit entry, and its effect on links, PINs and sessions.

    `advances_epoch`: the change takes a new epoch. `revokes`: sessions that already existed lose the client.
    """

    entry: AuditEntry
    advances_epoch: bool = True
    revokes: bool = False


def apply(access: PortalAccess, entry: AccessInput, *, by: Actor) -> None:
    """Applies the entry to a locked access; writes nothing if nothing changed.

    Raises AddressNotFound, MailboxTaken, and RelationshipEnded if it would turn on the access of a former contact.
    """
    if entry.enabled and access.relationship is not None and not access.relationship.is_current:
        raise RelationshipEnded
    _write(access, _changes(access, _address_of(access, entry.address), entry, by=by))


def choose_address(access: PortalAccess, address: EmailAddress | None, *, by: Actor) -> None:
    """Lets another address sign in, or none. The old address loses access at once and is notified by mail.

    `access` must be locked.
    """
    _write(access, [_choose(access, address, by=by)])


def turn_off(access: PortalAccess, *, by: Actor) -> None:
    """Turns a locked access off if it is on."""
    _write(access, [_switch(access, on=False, by=by)])


def _changes(
    access: PortalAccess,
    address: EmailAddress | None,
    entry: AccessInput,
    *,
    by: Actor,
    account_for: Callable[[EmailAddress], PortalAccount] = portal_accounts.account_for_address,
    stop_of: Callable[[EmailAddress | None], MailStop | None] = mail_stops.stop_of,
) -> list[_Change | None]:
    return [
        _choose(access, address, by=by, account_for=account_for, stop_of=stop_of),
        _switch(access, on=entry.enabled, by=by),
        _set_options(access, entry, by=by),
    ]


def _write(access: PortalAccess, changes: Iterable[_Change | None]) -> None:
    """Saves the changes, with one statement for each table."""
    entries = _advance(access, changes, portal_accounts.save_next_epoch)
    if entries:
        _refuse_taken_mailbox(access)
        access.save()
        audit_log.record_all(entries)


def _refuse_taken_mailbox(access: PortalAccess) -> None:
    """Raises MailboxTaken if the mailbox opens the client's portal for another person: who acts would not be known."""
    client = access.client
    if not access.is_on or access.account is None or not client_details.has_contacts(client):
        return
    same = PortalAccess.objects.filter(client=client, account=access.account, enabled_at__isnull=False)
    other = same.exclude(pk=access.pk).select_related("client", "relationship__contact").first()
    if other is not None:
        names = {"address": access.account.email, "holder": other.holder_name(), "client": client.called}
        message = _("%(address)s already opens %(client)s’s portal for %(holder)s. Choose another address.")
        raise MailboxTaken(message % names, field="address")


def _advance(
    access: PortalAccess, changes: Iterable[_Change | None], advance_epoch: Callable[[PortalAccount], int]
) -> list[AuditEntry]:
    """Sets the version and the epochs of the changes that were made, unsaved; returns their audit entries."""
    made = [change for change in changes if change is not None]
    access.version += len(made)
    if access.account is not None and any(change.advances_epoch for change in made):
        # One epoch for all changes: the account is locked, so no link, PIN or session can be made in between.
        access.changed_epoch = advance_epoch(access.account)
        if any(change.revokes for change in made):
            access.ended_epoch = access.changed_epoch
    return [change.entry for change in made]


def _choose(
    access: PortalAccess,
    address: EmailAddress | None,
    *,
    by: Actor,
    account_for: Callable[[EmailAddress], PortalAccount] = portal_accounts.account_for_address,
    stop_of: Callable[[EmailAddress | None], MailStop | None] = mail_stops.stop_of,
) -> _Change | None:
    if (address.pk if address else None) == access.address_id:
        return None
    if access.address is not None and access.account is not None:
        is_by_client = by.kind == ActorKind.CLIENT
        notices.notify_address_removed(access, access.address, access.account, is_by_client=is_by_client)
    access.had_signed_in_before = access.was_used
    access.invited_at = access.pin_given_at = access.first_signed_in_at = access.last_signed_in_at = None
    access.address = address
    # Locked before the stop is read: a stop that is made at this moment waits, and then marks this access.
    access.account = account_for(address) if address else None
    mail_stops.set_marks(access, stop_of(address))
    is_first = access.changed_epoch == 0
    # Epochs of the old account mean nothing for the new one.
    access.ended_epoch = access.consent_epoch = 0
    entry = _entry(AuditAction.ADDRESS_CHOSEN, access, by=by, address=address.address if address else None)
    return _Change(entry, revokes=not is_first)


def _switch(access: PortalAccess, *, on: bool, by: Actor) -> _Change | None:
    if on == access.is_on:
        return None
    access.enabled_at = clock.now() if on else None
    access.enabled_by = by.name if on else ""
    entry = _entry(AuditAction.ACCESS_TURNED_ON if on else AuditAction.ACCESS_TURNED_OFF, access, by=by)
    return _Change(entry, revokes=not on)


def _set_options(access: PortalAccess, entry: AccessInput, *, by: Actor) -> _Change | None:
    options = entry.options
    if all(getattr(access, name) is value for name, value in options.items()):
        return None
    for name, value in options.items():
        setattr(access, name, value)
    return _Change(_entry(AuditAction.OPTIONS_CHANGED, access, by=by, **options), advances_epoch=False)


def _refuse_archived(client: Client, entry: AccessInput) -> None:
    if client.is_archived_now and entry.enabled:
        raise ClientArchived


def _address_of(access: PortalAccess, ref: str | None) -> EmailAddress | None:
    if not ref:
        return None
    if access.address is not None and access.address.ref == ref and access.address.closed_at is None:
        return access.address
    if access.relationship is None:
        address = _open_address.first(client=access.client_id, ref=ref)
    else:
        address = _open_address_of.first(contact=access.relationship.contact_id, ref=ref)
    if address is None:
        raise AddressNotFound(_("That address was removed. Choose another one."), field="address")
    return address


@CompiledQuery
def _open_address(client: Parameter, ref: Parameter) -> QuerySet[EmailAddress]:
    return portal_accounts.with_has_account(EmailAddress.objects.open()).filter(client=client, ref=ref)


@CompiledQuery
def _open_address_of(contact: Parameter, ref: Parameter) -> QuerySet[EmailAddress]:
    return portal_accounts.with_has_account(EmailAddress.objects.open()).filter(contact=contact, ref=ref)


def _matches(access: PortalAccess, entry: AccessInput) -> bool:
    chosen = access.address.ref if access.address is not None else None
    options = {name: getattr(access, name) for name in access_lookups.OPTIONS}
    return (access.is_on, chosen, options) == (entry.enabled, entry.address or None, entry.options)


def _entry(action: AuditAction, access: PortalAccess, *, by: Actor, **details: str | bool | None) -> AuditEntry:
    client = access.client
    named: dict[str, str | bool | None] = {**holders.details_of(access), **details}
    return audit_log.entry(action, practice=client.practice, client=client, by=by, about="", **named)
