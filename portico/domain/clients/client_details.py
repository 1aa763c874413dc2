"""Changes to a client's details. Pages use `access.client_changes`, which also updates portal access."""

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import email_address_changes, phone_number_changes, search_terms
from portico.domain.clients.client_input import ClientInput
from portico.domain.clients.email_address_changes import AddressChanges
from portico.domain.clients.models import Client, EmailAddress, Relationship, Status
from portico.domain.clients.registration import set_details
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.refusals import Refused


class ClientConflict(Refused):
    """Another user saved first; nothing was overwritten."""

    def __init__(self) -> None:
        super().__init__(
            _("Someone else saved changes while you were editing. Compare both versions, then save again.")
        )


class ClientArchived(Refused):
    """An archived client cannot be edited before it is restored."""

    def __init__(self) -> None:
        super().__init__(_("This client is archived. Restore the client first."))


def lock(client: Client) -> Client:
    """Locks the client in the caller's transaction; returns its current row, with its practice, for `has_contacts`."""
    (locked,) = _locked.rows(client=client.pk)
    return locked


@CompiledQuery
def _locked(client: Parameter) -> QuerySet[Client]:
    of_client = Relationship.objects.filter(client=OuterRef("pk"))
    rows = Client.objects.locked().select_related("practice").annotate(with_contacts=Exists(of_client))
    return rows.filter(pk=client)


def has_contacts(client: Client) -> bool:
    """Returns False if the client came from `lock` and never had a contact, so that other accesses need no query."""
    return bool(client.__dict__.get("with_contacts", True))


def save(client: Client, entry: ClientInput, *, version: int, by: Actor) -> AddressChanges:
    """Saves the whole of `Client Info`. In the caller's transaction, with the client locked.

    Raises ClientConflict, ClientArchived, email_address_changes.DuplicateAddress.
    """
    if client.version != version:
        raise ClientConflict
    if client.status == Status.ARCHIVED:
        raise ClientArchived
    fields = set_details(client, entry.details)
    changes = email_address_changes.save_addresses(client, entry.addresses, by=by)
    phones_changed = phone_number_changes.save_phones(client, entry.phones)
    if not (fields or phones_changed or changes.closed or changes.opened or changes.withdrawn or changes.recorded):
        return changes
    client.version += 1
    client.save()
    search_terms.refresh_terms(client)
    if fields or phones_changed:
        named = [*fields, *(["phones"] if phones_changed else [])]
        audit_log.record(
            AuditAction.CLIENT_EDITED, practice=client.practice, client=client, by=by, fields=", ".join(named)
        )
    return changes


def replace_address(client: Client, row: EmailAddress, address: str, *, recorded_by: str, by: Actor) -> EmailAddress:
    """Replaces an address by one with consent; see `email_address_changes.replace_with_consent`.

    In the caller's transaction, with the client locked.
    """
    replacement = email_address_changes.replace_with_consent(client, row, address, recorded_by=recorded_by, by=by)
    client.version += 1
    client.save(update_fields=["version"])
    search_terms.refresh_terms(client)
    return replacement


def set_status(client: Client, status: Status, *, action: AuditAction, by: Actor) -> None:
    """Sets the status and records it as `action`. In the caller's transaction, with the client locked."""
    client.status = status
    client.version += 1
    client.save(update_fields=["status", "version"])
    audit_log.record(action, practice=client.practice, client=client, by=by)
