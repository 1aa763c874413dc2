"""The people with whom documents of a client can be shared: the client, and contacts who may sign documents."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.access import access_lookups, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import ACCESS_ON
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.sharing import document_mails, packet_sharing
from portico.web.office.client_portal import contacts_card, shown_access

OWN = "client"


@dataclass(frozen=True)
class PossibleRecipient:
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

    @property
    def sees_documents(self) -> bool:
        """Returns True if the person can sign in now and open the documents."""
        return self.access.sees_documents

    @property
    def why_unseen(self) -> str:
        """The reason that the person cannot open the documents yet; empty if they can."""
        broken = eligibility.first_broken(self.access, Purpose.DOCUMENTS)
        if broken is ACCESS_ON:
            return _("Portal access is off. They can’t see this until you turn it on.")
        return broken.instruct(self.access.client, self.access) if broken is not None else ""

    @property
    def portal_tab(self) -> str:
        """The address of the tab where the person’s portal access is turned on."""
        return shown_access.url_of(self.access.client, self.access.relationship)


def recipients_of(client: Client) -> list[PossibleRecipient]:
    """Returns the client, and the current contacts who may sign documents, in two queries."""
    found = [_recipient(OWN, access_lookups.access_or_default(client))]
    for row in contacts_card.rows_of(client):
        access = row.access or access_lookups.new_access(client, row.relationship)
        if access.signs_documents:
            found.append(_recipient(row.relationship.ref, access))
    return found


def _recipient(value: str, access: PortalAccess) -> PossibleRecipient:
    obstacle = packet_sharing.first_obstacle(access)
    return PossibleRecipient(value, access, obstacle.instruct(access.client, access) if obstacle else "")
