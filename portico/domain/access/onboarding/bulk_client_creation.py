"""Creates many clients at once with their portal access; without mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched

from django.db import transaction

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput, FirstAccess
from portico.domain.access.models import PortalAccount
from portico.domain.clients import email_address_changes, registration
from portico.domain.clients.client_details import ClientArchived
from portico.domain.clients.client_input import AddressInput, ClientInput
from portico.domain.clients.models import Client, EmailAddress, Status
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.database import planner_statistics
from portico.plumbing.database.deadlocks import retry_on_deadlock

# The clients whose rows are inserted together, with one statement for each table.
BATCH = 500


@dataclass(frozen=True)
class NewClient:
    """A client to create; given `access`, `address` signs in, one of the entry's. `access.address` is ignored."""

    entry: ClientInput
    access: AccessInput | None = None
    address: AddressInput | None = None

    def refuse_invalid(self) -> None:
        """Raises what `create_all` would raise for this client: DuplicateAddress, ClientArchived."""
        email_address_changes.refuse_duplicates(self.entry.addresses)
        if self.access is not None and self.access.enabled and self.entry.details.status == Status.ARCHIVED:
            raise ClientArchived


@retry_on_deadlock
def create_all(practice: Practice, new: Sequence[NewClient], *, by: Actor, form_key: str = "") -> list[Client]:
    """Creates the clients, in batches; returns them in the order of `new`. Atomic.

    `form_key` is the random key of the form, if one client was entered in a form.
    Raises email_address_changes.DuplicateAddress, ClientArchived.
    """
    created: list[Client] = []
    with transaction.atomic():
        for batch in batched(new, BATCH, strict=False):
            created += _create_batch(practice, batch, by=by, form_key=form_key)
            if len(created) == BATCH < len(new):
                planner_statistics.refresh(Client, EmailAddress, PortalAccount)
    return created


def _create_batch(practice: Practice, new: Sequence[NewClient], *, by: Actor, form_key: str) -> list[Client]:
    created = registration.create_all(practice, [each.entry for each in new], by=by, form_key=form_key)
    accesses = []
    for each, made in zip(new, created, strict=True):
        if each.access is not None:
            address = made.addresses[each.entry.addresses.index(each.address)] if each.address else None
            accesses.append(FirstAccess(made.client, address, each.access))
    access_grants.save_first(practice, accesses, by=by)
    return [made.client for made in created]
