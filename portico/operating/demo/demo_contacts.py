"""The demo's contacts: children whose parents live apart, someone who only pays, and a couple."""

from dataclasses import dataclass

from portico.domain.access import access_lookups
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.clients import contacts, registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, ContactInput, PhoneInput
from portico.domain.clients.models import Client, ClientKind, Relationship, RelationshipKind
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor


@dataclass(frozen=True)
class DemoFamily:
    """The child whose parents live apart, and the relationship of the mother."""

    child: Client
    mother: Relationship


def add_all(practice: Practice, *, by: Actor) -> DemoFamily:
    """Adds them: the mother, the payer and the couple's members are invited, the father has no access.

    The elder sister has come of age, and staff have to decide about the mother's access to her. Returns the family.
    """
    milo = _client(practice, "Milo", "Hart", age=9, by=by)
    contacts.set_parents_apart(milo, apart=True, by=by)
    mother = _contact(milo, "Nadia", "Hart", RelationshipKind.GUARDIAN, by=by)
    _invite(mother, by=by)
    _contact(milo, "Oscar", "Hart", RelationshipKind.GUARDIAN, by=by)
    juno = _client(practice, "Juno", "Hart", age=practice.age_of_majority, by=by)
    _invite(contacts.link(juno, mother.contact, RelationshipKind.GUARDIAN, by=by), by=by)
    _invite(_contact(milo, "Greta", "Lind", RelationshipKind.PAYER, by=by), by=by)
    couple = _client(practice, "Rosa and Theo", "Vance", kind=ClientKind.COUPLE, by=by)
    for name in ("Rosa", "Theo"):
        _invite(_contact(couple, name, "Vance", RelationshipKind.MEMBER, by=by), by=by)
    return DemoFamily(milo, mother)


def _client(
    practice: Practice,
    first: str,
    last: str,
    *,
    by: Actor,
    age: int | None = None,
    kind: ClientKind = ClientKind.PERSON,
) -> Client:
    today = clock.today(practice.time_zone)
    born = today.replace(year=today.year - age, day=1) if age is not None else None
    details = ClientDetails(first_name=first, last_name=last, date_of_birth=born, kind=kind)
    return registration.create(practice, ClientInput(details), by=by)


def _contact(client: Client, first: str, last: str, kind: RelationshipKind, *, by: Actor) -> Relationship:
    address = AddressInput(f"{first}.{last}@mail.example".lower(), "home", email_ok=True)
    phones = (PhoneInput("+12125550163", "mobile"),) if first == "Nadia" else ()
    entry = ContactInput(first, kind, last_name=last, addresses=(address,), phones=phones)
    return contacts.add(client, entry, form_key=tokens.new_token(), by=by)


def _invite(relationship: Relationship, *, by: Actor) -> None:
    client, preset = relationship.client, access_lookups.new_access(relationship.client, relationship)
    entry = AccessInput(
        enabled=True,
        address=relationship.contact.email_addresses.get().ref,
        access_billing_documents=preset.access_billing_documents,
        pay_by_card=preset.pay_by_card,
        signs_documents=preset.signs_documents,
    )
    text = invitation_text.default_of(client.practice, relationship.contact.language)
    invitations.send(client, entry, text, form_key=tokens.new_token(), version=None, by=by, relationship=relationship)
