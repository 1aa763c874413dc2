"""The people with whom documents of a client can be shared: the client, and contacts who may sign documents."""

from dataclasses import dataclass

from portico.domain.access import access_grants
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.sharing import document_mails, packets
from portico.web.office.client_portal import contacts_card

OWN = "client"


@dataclass(frozen=True)
class Recipient:
    """A person with their access, which may be unsaved. `obstacle` says why nothing can be shared, else it is empty."""

    value: str
    access: PortalAccess
    obstacle: str

    @property
    def name(self) -> str:
        return self.access.holder_name()

    @property
    def is_mailed(self) -> bool:
        return document_mails.may_be_mailed(self.access)


def recipients_of(client: Client) -> list[Recipient]:
    """Returns the client, and the current contacts who may sign documents, in two queries."""
    found = [_recipient(OWN, access_grants.access_or_default(client))]
    for row in contacts_card.rows_of(client):
        access = row.access or access_grants.new_access(client, row.relationship)
        if access.signs_documents:
            found.append(_recipient(row.relationship.ref, access))
    return found


def _recipient(value: str, access: PortalAccess) -> Recipient:
    obstacle = packets.first_obstacle(access)
    return Recipient(value, access, obstacle.instruct(access.client, access) if obstacle else "")
