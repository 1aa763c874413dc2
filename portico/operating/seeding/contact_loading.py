"""Creates the contacts of a seed file, with their relationships and portal access."""

from portico.domain.access import access_grants, access_lookups
from portico.domain.access.access_grants import AccessInput
from portico.domain.clients import contacts
from portico.domain.clients.client_input import ContactInput
from portico.domain.clients.models import Client, Contact, EmailAddress, Relationship
from portico.domain.practices.models import Practice
from portico.operating.models import SeedKind, SeedRef
from portico.operating.seeding.field_reader import SeedRefused
from portico.operating.seeding.seed_plan import SeedAccess, SeedClient, SeedContact
from portico.plumbing.actors import Actor
from portico.plumbing.refusals import Refused
from portico.plumbing.text.mailboxes import mailbox_key


class KnownContacts:
    """A practice's contacts from the files loaded so far, including this one, by their refs in the file."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        refs = dict(SeedRef.objects.filter(practice=practice, kind=SeedKind.CONTACT).values_list("row_ref", "seed_ref"))
        rows = Contact.objects.filter(practice=practice).in_bulk(list(refs), field_name="ref")
        self._contacts = {refs[ref]: contact for ref, contact in rows.items()}

    def find(self, seed_ref: str) -> Contact | None:
        return self._contacts.get(seed_ref)

    def add(self, seed_ref: str, contact: Contact) -> None:
        SeedRef.objects.create(practice=self._practice, kind=SeedKind.CONTACT, seed_ref=seed_ref, row_ref=contact.ref)
        self._contacts[seed_ref] = contact


def load(client: Client, wanted: SeedClient, known: KnownContacts, *, by: Actor) -> dict[str, Relationship]:
    """Returns the client's contacts of the file, found or created, by their refs. Raises SeedRefused."""
    return {each.ref: _relationship(client, each, known, by=by) for each in wanted.contacts}


def _relationship(client: Client, wanted: SeedContact, known: KnownContacts, *, by: Actor) -> Relationship:
    contact = known.find(wanted.ref)
    if contact is not None:
        earlier = Relationship.objects.filter(client=client, contact=contact).order_by("id").last()
        if earlier is not None:
            return earlier
    elif not wanted.first_name:
        raise SeedRefused(f"{wanted.place}.first_name", f"is missing: no contact has the ref {wanted.ref!r} yet.")
    try:
        if contact is not None:
            relationship = contacts.link(client, contact, wanted.kind, by=by)
        else:
            relationship = contacts.add(client, _entry(wanted), form_key="", by=by)
            known.add(wanted.ref, relationship.contact)
        if wanted.access is not None:
            entry = _access(relationship, wanted.access, wanted.place)
            access_grants.save_access(relationship.client, entry, version=None, by=by, relationship=relationship)
    except Refused as refusal:
        raise SeedRefused(wanted.place, f"cannot be: {refusal}") from refusal
    return relationship


def _entry(wanted: SeedContact) -> ContactInput:
    return ContactInput(
        wanted.first_name,
        wanted.kind,
        last_name=wanted.last_name,
        language=wanted.language,
        addresses=wanted.addresses,
        phones=wanted.phones,
    )


def _access(relationship: Relationship, wanted: SeedAccess, place: str) -> AccessInput:
    """Returns the access with the options of the file; those that it does not state are as the relationship's."""
    preset = access_lookups.new_access(relationship.client, relationship)
    stated = {name: getattr(wanted, name) for name in access_lookups.OPTIONS}
    options = {name: getattr(preset, name) if value is None else value for name, value in stated.items()}
    address = _address(relationship.contact, wanted.email, place) if wanted.email else None
    return AccessInput(enabled=wanted.enabled, address=address.ref if address else None, **options)


def _address(contact: Contact, email: str, place: str) -> EmailAddress:
    found = contact.email_addresses.open().filter(mailbox_key=mailbox_key(email)).first()
    if found is None:
        raise SeedRefused(f"{place}.portal_access.email", "is not one of the contact's addresses.")
    return found
