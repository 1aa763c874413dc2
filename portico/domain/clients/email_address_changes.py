"""Email addresses of a client or a contact: opened, closed and replaced, with the consent of each.

The audit entry of each change is about the client on whose page it was made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput
from portico.domain.clients.models import Client, Contact, EmailAddress
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import mailbox_key


class DuplicateAddress(Refused):
    """The same mailbox is listed twice for one client."""


@dataclass
class AddressChanges:
    """Changes that a save made to a client's addresses. `replaced` maps a closed row's pk to its replacement."""

    closed: list[EmailAddress] = field(default_factory=list)
    opened: list[EmailAddress] = field(default_factory=list)
    replaced: dict[int, EmailAddress] = field(default_factory=dict)
    withdrawn: list[EmailAddress] = field(default_factory=list)
    recorded: list[EmailAddress] = field(default_factory=list)

    @property
    def reconsidered(self) -> list[EmailAddress]:
        """The addresses whose consent was recorded or withdrawn."""
        return [*self.recorded, *self.withdrawn]


def save_addresses(
    client: Client, entries: tuple[AddressInput, ...], *, by: Actor, contact: Contact | None = None
) -> AddressChanges:
    """Replaces the open addresses of the client, or of the contact, by the entries.

    In the caller's transaction, with the owner locked. Raises DuplicateAddress. A changed address closes its row and
    opens a new one with its own consent.
    """
    refuse_duplicates(entries)
    changes = AddressChanges()
    owner = client if contact is None else contact
    current = {row.ref: row for row in owner.email_addresses.open()}
    to_open: list[tuple[AddressInput, EmailAddress | None]] = []
    for entry in entries:
        row = current.pop(entry.ref, None) if entry.ref else None
        if row is not None and row.mailbox_key == mailbox_key(entry.address):
            _update(row, entry, changes, client, by=by)
        else:
            if row is not None:
                _close(row, changes, client, by=by)
            to_open.append((entry, row))
    for row in current.values():
        _close(row, changes, client, by=by)
    changes.opened = [new_address(client, entry, by=by, contact=contact) for entry, _replaced in to_open]
    EmailAddress.objects.bulk_create(changes.opened)
    audit_log.record_all(each for row in changes.opened for each in audit_entries(row, client, by=by))
    changes.recorded += [row for row in changes.opened if row.email_ok]
    for (_entry, replaced), row in zip(to_open, changes.opened, strict=True):
        if replaced is not None:
            changes.replaced[replaced.pk] = row
    return changes


def replace_with_consent(
    client: Client,
    row: EmailAddress,
    address: str,
    *,
    recorded_by: str,
    by: Actor,
    contact: Contact | None = None,
) -> EmailAddress:
    """Closes an address, and opens another one in its place with consent, recorded as from `recorded_by`.

    If the owner has the other one already, returns that with consent and closes nothing. In the caller's transaction,
    with the owner locked.
    """
    changes, key = AddressChanges(), mailbox_key(address)
    owner = client if contact is None else contact
    other = owner.email_addresses.open().filter(mailbox_key=key).first()
    if other is None:
        _close(row, changes, client, by=by)
        other = EmailAddress(practice=client.practice, address=address, mailbox_key=key, kind=row.kind)
        other.client, other.contact = (client, None) if contact is None else (None, contact)
        other.record_consent(by=recorded_by[:100], at=clock.now())
        other.save(force_insert=True)
        audit_log.record_all(audit_entries(other, client, by=by))
    elif not other.email_ok:
        other.record_consent(by=recorded_by[:100], at=clock.now())
        other.save(update_fields=["email_ok_at", "email_ok_by", "email_ok_withdrawn_at"])
        _record(AuditAction.CONSENT_RECORDED, other, client, by=by)
    return other


def new_address(client: Client, entry: AddressInput, *, by: Actor, contact: Contact | None = None) -> EmailAddress:
    """Builds an open address of the client, or of the contact, with its consent, unsaved."""
    row = EmailAddress(
        practice=client.practice,
        client=client if contact is None else None,
        contact=contact,
        address=entry.address,
        mailbox_key=mailbox_key(entry.address),
        kind=entry.kind,
    )
    if entry.email_ok:
        row.record_consent(by=by.name, at=clock.now())
    return row


def audit_entries(row: EmailAddress, client: Client, *, by: Actor) -> Iterator[AuditEntry]:
    """Yields the entries of a new address, unsaved."""
    yield _audit_entry(AuditAction.ADDRESS_ADDED, row, client, by=by)
    if row.email_ok:
        yield _audit_entry(AuditAction.CONSENT_RECORDED, row, client, by=by)


def refuse_duplicates(entries: tuple[AddressInput, ...]) -> None:
    """Raises DuplicateAddress if two entries have the same mailbox."""
    seen: set[str] = set()
    for entry in entries:
        key = mailbox_key(entry.address)
        if key in seen:
            raise DuplicateAddress(_("%(address)s is listed twice. Remove one.") % {"address": entry.address})
        seen.add(key)


def _update(row: EmailAddress, entry: AddressInput, changes: AddressChanges, client: Client, *, by: Actor) -> None:
    changed = row.kind != entry.kind
    row.kind = entry.kind
    if entry.email_ok and not row.email_ok:
        row.record_consent(by=by.name, at=clock.now())
        changes.recorded.append(row)
        _record(AuditAction.CONSENT_RECORDED, row, client, by=by)
        changed = True
    if row.email_ok and not entry.email_ok:
        row.withdraw_consent(at=clock.now())
        changes.withdrawn.append(row)
        _record(AuditAction.CONSENT_WITHDRAWN, row, client, by=by)
        changed = True
    if changed:
        row.save(update_fields=["kind", "email_ok_at", "email_ok_by", "email_ok_withdrawn_at"])


def _close(row: EmailAddress, changes: AddressChanges, client: Client, *, by: Actor) -> None:
    row.closed_at = clock.now()
    row.save(update_fields=["closed_at"])
    changes.closed.append(row)
    _record(AuditAction.ADDRESS_CLOSED, row, client, by=by)


def _record(action: AuditAction, row: EmailAddress, client: Client, *, by: Actor) -> None:
    audit_log.record_all([_audit_entry(action, row, client, by=by)])


def _audit_entry(action: AuditAction, row: EmailAddress, client: Client, *, by: Actor) -> AuditEntry:
    of = {} if row.contact is None else {"contact": row.contact.name}
    return audit_log.entry(
        action, practice=client.practice, client=client, by=by, about=row.ref, address=row.address, **of
    )
