"""The `Contacts` card on the Overview, and the list of accesses on the `Client Portal` tab."""

from dataclasses import dataclass

from django.db.models import QuerySet

from portico.domain.access import guardians, portal_states
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, PortalState, Relationship
from portico.plumbing.database.compiled import CompiledQuery, Parameter


@dataclass(frozen=True)
class ContactRow:
    """A contact of a client with the state of their access; `reason` is empty if it needs no attention."""

    relationship: Relationship
    access: PortalAccess | None
    state: PortalState
    reason: str
    # Staff must decide what happens to the guardian's access, because the client comes of age.
    is_to_decide: bool


def rows_of(client: Client) -> list[ContactRow]:
    """Returns the client's current contacts, oldest first, in one query."""
    relationships = _with_access.rows(client=client.pk)
    to_decide = {each.pk for each in guardians.to_decide(client, relationships)}
    return [_row(client, each, is_to_decide=each.pk in to_decide) for each in relationships]


def _row(client: Client, relationship: Relationship, *, is_to_decide: bool) -> ContactRow:
    access: PortalAccess | None = getattr(relationship, "access", None)
    if access is not None:
        access.client, access.relationship = client, relationship
    computed = portal_states.state_of(access)
    reason = str(portal_states.Reason(computed.reason).label) if computed.reason else ""
    if access is not None and access.address is not None:
        reason %= {"address": access.address.address} if "%" in reason else {}
    return ContactRow(relationship, access, computed.state, reason, is_to_decide)


@CompiledQuery
def _with_access(client: Parameter) -> QuerySet[Relationship]:
    rows = Relationship.objects.current().filter(client=client)
    return rows.select_related("contact__also_client", "access__account", "access__address").order_by("id")
