"""The clients and contacts whom help requests concern: known from the session, or found by the typed address.

If no one has exactly that address, they are those who were probably meant when a sign-in email was requested with it
(`near_misses`). A stranger may type a client's address and their own phone number. So the list shows the numbers on
file, and whether the typed one is among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import Step
from portico.domain.access.models import HelpRequest, PortalAccess
from portico.domain.access.models.accounts import name_of_contact
from portico.domain.access.sign_in.requests import near_misses
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing.text import phone_number_display


@dataclass(frozen=True)
class _Person:
    """A client, or with a relationship the contact, with their access; None if none was ever saved.

    `was_meant`: the typed address is not theirs, but nearly.
    """

    client: Client
    relationship: Relationship | None
    access: PortalAccess | None
    was_meant: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """The ids of the client and the contact, one of them 0."""
        return (self.client.pk, 0) if self.relationship is None else (0, self.relationship.contact_id)


@dataclass(frozen=True)
class MatchedClient:
    """A client with the person's access, phone numbers (E.164), and the first broken step of signing in by mail.

    `relationship` is None for the client, else that of the contact who asked. `chosen_address` is the address that
    opens the portal, if they tried another one of theirs; else empty. `meant_address` is the address on file that was
    probably meant, if they typed one that no one has; else empty.
    """

    client: Client
    relationship: Relationship | None
    access: PortalAccess | None
    phones: tuple[str, ...]
    broken_step: Step | None
    chosen_address: str
    meant_address: str

    @property
    def problem(self) -> str:
        """Returns what prevents the person from signing in, without a full stop; empty if nothing does."""
        return self.broken_step.explain(self.client, self.access) if self.broken_step is not None else ""

    @property
    def contact_name(self) -> str:
        """The contact as "Bruno Berg (guardian)"; empty for the client."""
        relationship = self.relationship
        return name_of_contact(relationship.contact.name, relationship.kind) if relationship is not None else ""

    @property
    def names(self) -> dict[str, str]:
        """The details with which an audit entry names the contact; none for the client."""
        if self.relationship is None:
            return {}
        return {"access": self.relationship.ref, "holder": self.contact_name}


@dataclass(frozen=True)
class MatchedRequest:
    """A help request with those it concerns: several if they share the typed address, or the contact has clients.

    `number` is the typed phone number in E.164, empty if the contact is none; `is_on_file` is True if it is a number of
    one of them.
    """

    request: HelpRequest
    clients: tuple[MatchedClient, ...]
    number: str

    @property
    def is_on_file(self) -> bool:
        return any(self.number in each.phones for each in self.clients)


def match(practice: Practice, requests: Sequence[HelpRequest]) -> list[MatchedRequest]:
    """Returns the requests, each with its clients. Runs four queries, however many requests there are.

    Each request must have been loaded by `help_requests.with_people`.
    """
    keys = {request.mailbox_key for request in requests}
    by_mailbox, nearly = _by_mailbox(practice, keys), near_misses.accesses_by_typed(practice, keys)
    found = {
        request.pk: _sender(request)
        or by_mailbox[request.mailbox_key]
        or [_Person(each.client, each.relationship, each, was_meant=True) for each in nearly[request.mailbox_key]]
        for request in requests
    }
    phones = _phones_of(practice, [person for people in found.values() for person in people])
    return [
        MatchedRequest(
            request,
            tuple(_matched(request, person, phones[person.key]) for person in found[request.pk]),
            _number_of(request.contact, practice),
        )
        for request in requests
    ]


def _sender(request: HelpRequest) -> list[_Person]:
    """Returns the person who was signed in; an empty list for a request from the entrance."""
    if request.client is None:
        return []
    if request.access is None or request.access.relationship is None:
        return [_own(request.client)]
    request.access.client = request.client
    return [_Person(request.client, request.access.relationship, request.access)]


def _own(client: Client) -> _Person:
    return _Person(client, None, getattr(client, "portal_access", None))


def _by_mailbox(practice: Practice, keys: set[str]) -> defaultdict[str, list[_Person]]:
    """Returns the people by the mailboxes of their open addresses: clients first, then contacts for each client."""
    found = defaultdict[str, list[_Person]](list)
    keys_by_contact = defaultdict[int, list[str]](list)
    # An empty condition would be answered without a query, and the number of queries would depend on the rows.
    addresses = EmailAddress.objects.open().filter(practice=practice, mailbox_key__in=keys | {""})
    for address in addresses.select_related("client__portal_access__address").order_by("client_id", "id"):
        if address.client is not None:
            found[address.mailbox_key].append(_own(address.client))
        elif address.contact_id is not None:
            keys_by_contact[address.contact_id].append(address.mailbox_key)
    rows = Relationship.objects.current().filter(practice=practice, contact__in=keys_by_contact.keys() | {0})
    for relationship in rows.select_related("client", "contact", "access__address").order_by("client_id", "id"):
        access: PortalAccess | None = getattr(relationship, "access", None)
        if access is not None:
            access.client = relationship.client
        for key in keys_by_contact[relationship.contact_id]:
            found[key].append(_Person(relationship.client, relationship, access))
    return found


def _phones_of(practice: Practice, people: Sequence[_Person]) -> defaultdict[tuple[int, int], list[str]]:
    """Returns the numbers by the key of the person, in the order in which they were added."""
    phones = defaultdict[tuple[int, int], list[str]](list)
    clients, contacts = ({each.key[place] for each in people} | {0} for place in (0, 1))
    of_people = Q(client__in=clients) | Q(contact__in=contacts)
    numbers = PhoneNumber.objects.filter(of_people, practice=practice).order_by("id")
    for client_id, contact_id, number in numbers.values_list("client_id", "contact_id", "number"):
        phones[client_id or 0, contact_id or 0].append(number)
    return phones


def _matched(request: HelpRequest, person: _Person, phones: Sequence[str]) -> MatchedClient:
    access = person.access
    # Also whether the mailbox rejects our mail: a sign-in mail would not arrive.
    broken_step = eligibility.first_broken(access, Purpose.PORTAL_STATE)
    chosen = access.address if access is not None else None
    on_file = chosen.address if chosen is not None else ""
    is_theirs = request.client_id is not None or (chosen is not None and chosen.mailbox_key == request.mailbox_key)
    is_another = broken_step is None and not is_theirs and not person.was_meant
    return MatchedClient(
        person.client,
        person.relationship,
        access,
        tuple(phones),
        broken_step,
        chosen_address=on_file if is_another else "",
        meant_address=on_file if person.was_meant else "",
    )


def _number_of(contact: str, practice: Practice) -> str:
    try:
        return phone_number_display.e164(contact, practice.country)
    except ValueError:
        return ""
