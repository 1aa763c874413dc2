"""Registration of new clients."""

from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.clients import email_addresses, phone_numbers, search_terms
from portico.domain.clients.client_input import ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.text.folding import folded


def create(practice: Practice, entry: ClientInput, *, by: Actor, form_key: str = "") -> Client:
    """Creates a client with addresses, consent and phone numbers. Raises email_addresses.DuplicateAddress.

    `form_key` is the random key of the form, if there was one; a second client with it raises IntegrityError.
    """
    with transaction.atomic():
        client = Client(practice=practice, form_key=form_key)
        set_details(client, entry.details)
        client.save(force_insert=True)
        audit_log.record(AuditAction.CLIENT_CREATED, practice=practice, client=client, by=by)
        email_addresses.save_addresses(client, entry.addresses, by=by)
        phone_numbers.save_phones(client, entry.phones)
        search_terms.refresh_terms(client)
    return client


def set_details(client: Client, details: ClientDetails) -> list[str]:
    """Sets the details on the row, unsaved. Returns the names of the fields that changed."""
    before = {name: getattr(client, name) for name in _FIELDS}
    for name in _FIELDS:
        setattr(client, name, getattr(details, name))
    client.sort_key = folded(client.name)[:210]
    return [name for name in _FIELDS if getattr(client, name) != before[name]]


_FIELDS = ("first_name", "last_name", "preferred_name", "date_of_birth", "language", "clinician", "status")
