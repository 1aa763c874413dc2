"""Registration of new clients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import email_address_changes, phone_number_changes, search_terms
from portico.domain.clients.client_input import ClientDetails, ClientInput
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, SearchTerm
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry
from portico.plumbing.text.folding import folded


def create(practice: Practice, entry: ClientInput, *, by: Actor, form_key: str = "") -> Client:
    """Creates a client with addresses, consent and phone numbers. Raises email_address_changes.DuplicateAddress.

    `form_key` is the random key of the form, if there was one; a second client with it raises IntegrityError.
    """
    (created,) = create_all(practice, (entry,), by=by, form_key=form_key)
    return created.client


@dataclass
class Registered:
    """A new client with its addresses and phone numbers, in the order of the input."""

    client: Client
    addresses: list[EmailAddress] = field(default_factory=list)
    phones: list[PhoneNumber] = field(default_factory=list)


def create_all(
    practice: Practice, entries: Sequence[ClientInput], *, by: Actor, form_key: str = ""
) -> list[Registered]:
    """Creates clients as `create` does, with one statement for each table. Atomic."""
    for entry in entries:
        email_address_changes.refuse_duplicates(entry.addresses)
    created = [Registered(_new_client(practice, entry, form_key)) for entry in entries]
    with transaction.atomic():
        Client.objects.bulk_create(each.client for each in created)
        for each, entry in zip(created, entries, strict=True):
            each.addresses = [
                email_address_changes.new_address(each.client, address, by=by) for address in entry.addresses
            ]
            each.phones = phone_number_changes.new_phones(each.client, entry.phones)
        EmailAddress.objects.bulk_create(row for each in created for row in each.addresses)
        PhoneNumber.objects.bulk_create(row for each in created for row in each.phones)
        terms = (search_terms.new_terms(each.client, each.addresses, each.phones) for each in created)
        SearchTerm.objects.bulk_create(chain.from_iterable(terms))
        audit_log.record_all(row for each in created for row in _audit_entries(each, by=by))
    return created


def _new_client(practice: Practice, entry: ClientInput, form_key: str) -> Client:
    client = Client(practice=practice, form_key=form_key)
    set_details(client, entry.details)
    return client


def _audit_entries(created: Registered, *, by: Actor) -> Iterator[AuditEntry]:
    client = created.client
    yield audit_log.entry(AuditAction.CLIENT_CREATED, practice=client.practice, client=client, by=by)
    for address in created.addresses:
        yield from email_address_changes.audit_entries(address, client, by=by)


def set_details(client: Client, details: ClientDetails) -> list[str]:
    """Sets the details on the row, unsaved. Returns the names of the fields that changed."""
    before = {name: getattr(client, name) for name in _FIELDS}
    for name in _FIELDS:
        setattr(client, name, getattr(details, name))
    client.sort_key = folded(client.name)[:210]
    return [name for name in _FIELDS if getattr(client, name) != before[name]]


_FIELDS = ("first_name", "last_name", "preferred_name", "date_of_birth", "language", "clinician", "status", "kind")
