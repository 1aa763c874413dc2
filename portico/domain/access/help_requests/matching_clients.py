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
    """A client with their access, their phone numbers (E.164), and the first broken step of signing in by mail."""

    client: Client
    access: PortalAccess | None
    phones: tuple[str, ...]
    broken_step: Step | None

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
            tuple(_matched(client, phones[client.pk]) for client in found[request.pk]),
            _number_of(request.contact, practice),
        )
        for request in requests
    ]


def _matched(client: Client, phones: Sequence[str]) -> MatchedClient:
    access = getattr(client, "portal_access", None)
    broken_step = eligibility.first_broken(access, Purpose.SIGN_IN_BY_MAIL)
    if access is not None:
        access.client = client
    return MatchedClient(client, access, tuple(phones), broken_step)


def _number_of(contact: str, practice: Practice) -> str:
    try:
        return phone_number_display.e164(contact, practice.country)
    except ValueError:
        return ""
