"""The clients whom help requests concern: known from the session, or found by exactly the address that was typed.

A stranger may type a client's address and their own phone number. So the list shows the numbers on file, and whether
the typed one is among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import Step
from portico.domain.access.models import HelpRequest, PortalAccess
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber
from portico.domain.practices.models import Practice
from portico.plumbing.text import phone_number_display


@dataclass(frozen=True)
class MatchedClient:
    """A client with their access, their phone numbers (E.164), and the first broken step of signing in by mail.

    `chosen_address` is the address that opens the portal, if they tried another one of theirs; else empty.
    """

    client: Client
    access: PortalAccess | None
    phones: tuple[str, ...]
    broken_step: Step | None
    chosen_address: str

    @property
    def problem(self) -> str:
        """Returns what prevents the client from signing in, without a full stop; empty if nothing does."""
        return self.broken_step.explain(self.client, self.access) if self.broken_step is not None else ""


@dataclass(frozen=True)
class MatchedRequest:
    """A help request with the clients it concerns: several if they share the typed address.

    `number` is the typed phone number in E.164, empty if the contact is none; `is_on_file` is True if it is a number of
    one of the clients.
    """

    request: HelpRequest
    clients: tuple[MatchedClient, ...]
    number: str

    @property
    def is_on_file(self) -> bool:
        return any(self.number in each.phones for each in self.clients)


def match(practice: Practice, requests: Sequence[HelpRequest]) -> list[MatchedRequest]:
    """Returns the requests, each with its clients. Runs two queries, however many requests there are.

    Each request must have been loaded with its client, access and address.
    """
    by_mailbox: dict[str, list[Client]] = defaultdict(list)
    # An empty condition would be answered without a query, and the number of queries would depend on the rows.
    keys = {request.mailbox_key for request in requests} | {""}
    addresses = EmailAddress.objects.open().filter(practice=practice, mailbox_key__in=keys)
    for address in addresses.select_related("client__portal_access__address").order_by("client_id"):
        if address.client is not None:
            by_mailbox[address.mailbox_key].append(address.client)
    found = {
        request.pk: [request.client] if request.client is not None else by_mailbox[request.mailbox_key]
        for request in requests
    }
    phones: dict[int, list[str]] = defaultdict(list)
    client_ids = {client.pk for clients in found.values() for client in clients} | {0}
    numbers = PhoneNumber.objects.filter(practice=practice, client__in=client_ids).order_by("id")
    for client_id, number in numbers.values_list("client_id", "number"):
        phones[client_id].append(number)
    return [
        MatchedRequest(
            request,
            tuple(_matched(request, client, phones[client.pk]) for client in found[request.pk]),
            _number_of(request.contact, practice),
        )
        for request in requests
    ]


def _matched(request: HelpRequest, client: Client, phones: Sequence[str]) -> MatchedClient:
    access: PortalAccess | None = getattr(client, "portal_access", None)
    # Also whether the mailbox rejects our mail: a sign-in mail would not arrive.
    broken_step = eligibility.first_broken(access, Purpose.PORTAL_STATE)
    chosen = access.address if access is not None and broken_step is None else None
    is_another = chosen is not None and request.client_id is None and chosen.mailbox_key != request.mailbox_key
    return MatchedClient(client, access, tuple(phones), broken_step, chosen.address if chosen and is_another else "")


def _number_of(contact: str, practice: Practice) -> str:
    try:
        return phone_number_display.e164(contact, practice.country)
    except ValueError:
        return ""
