"""Confirming a new address by the button of its mail: it takes the place of the old one, with `Email ok`."""

from collections.abc import Iterator
from contextlib import contextmanager

from portico.domain.access import (
    access_grants,
    access_locks,
    contact_changes,
    eligibility,
    holders,
    portal_states,
)
from portico.domain.access.access_grants import MailboxTaken
from portico.domain.access.address_change import confirmation_links
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_details, contacts
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text.mailboxes import mailbox_key


def find(practice: Practice, token: str) -> OutgoingEmail | None:
    """Returns the mail whose link has this token, if the link works now."""
    email = confirmation_links.mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    return email if email is not None and access is not None and confirmation_links.is_usable(email, access) else None


def confirm(practice: Practice, token: str) -> OutgoingEmail | None:
    """Makes the address of the link's mail the one that signs in, with `Email ok`; returns None for a dead link.

    Only the person who asked gets it: a client for themselves, a contact for each of their clients. The old mailbox
    loses them at once, and is notified, as when staff change the address. Of simultaneous calls, one makes the change.
    """
    email = confirmation_links.mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    if email is None or access is None:
        return None
    try:
        return email if _change(email, access) else None
    except ClientConflict:
        # The access got another account just now, which ends the link.
        return None
    except MailboxTaken:
        # The mailbox opens this client's portal for another person, whom the page must not name.
        return None


def is_made(practice: Practice, token: str) -> bool:
    """Returns True if the client of the link's mail signs in with its address now, whether or not the link works."""
    email = confirmation_links.mail_of(practice, token)
    access = holders.access_of_email(email) if email is not None else None
    if email is None or access is None or access.account is None:
        return False
    is_chosen = access.account.mailbox_key == mailbox_key(email.to_address)
    return is_chosen and eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)


@retry_on_deadlock
def _change(email: OutgoingEmail, held: PortalAccess) -> bool:
    with _lock_accesses(held) as (access, accesses):
        if access.account is None or access.address is None or not confirmation_links.is_usable(email, access):
            return False
        old = access.address
        address = _replaced(access.client, access, old, email.to_address, by=holders.actor_for(access))
        # A contact signs in for each of their clients with the address: all of them go with it.
        moved = [each for each in accesses if each.address_id == old.pk]
        for each in moved:
            _move(each, address)
        portal_states.store_all(moved)
    return True


@contextmanager
def _lock_accesses(held: PortalAccess) -> Iterator[tuple[PortalAccess, list[PortalAccess]]]:
    """Locks the access, and if it is that of a contact, all of the contact's; yields it and all of them.

    Raises ClientConflict.
    """
    if held.relationship is None:
        with access_locks.lock_access(held.client) as (_row, own):
            yield own, [own]
        return
    with contact_changes.lock_contact(held.relationship) as (_relationship, accesses):
        yield next(each for each in accesses if each.pk == held.pk), accesses


def _move(access: PortalAccess, address: EmailAddress) -> None:
    """Lets the confirmed address sign in for the client of a locked access."""
    by, client = holders.actor_for(access), access.client
    access_grants.choose_address(access, address, by=by)
    if access.is_on:
        # The new address has been mailed, and its owner has answered: an invitation would tell them nothing.
        access.invited_at = clock.now()
        access.save(update_fields=["invited_at"])
    audit_log.record(
        AuditAction.ADDRESS_CHANGED_BY_CLIENT,
        practice=client.practice,
        client=client,
        by=by,
        about=address.ref,
        address=address.address,
        **holders.details_of(access),
    )


def _replaced(client: Client, access: PortalAccess, old: EmailAddress, address: str, *, by: Actor) -> EmailAddress:
    recorded_by = f"{access.holder.name} (portal)"
    if access.relationship is None:
        return client_details.replace_address(client, old, address, recorded_by=recorded_by, by=by)
    return contacts.replace_address(access.relationship, old, address, recorded_by=recorded_by, by=by)
