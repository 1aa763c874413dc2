"""The access that the `Client Portal` tab shows, the client’s own or a contact’s, with its addresses and phones."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, EmailAddress, Relationship
from portico.domain.documents.sharing import shareable
from portico.domain.documents.sharing.shareable import ShareableDocument
from portico.web.http.request_types import OfficeRequest
from portico.web.office import fix_urls, lookups
from portico.web.office.client_portal.portal_tab_form import ClientPortalForm


@dataclass
class PortalTab:
    """The client, access and addresses shown by the tab."""

    client: Client
    access: PortalAccess | None
    addresses: list[EmailAddress]
    phones: list[str]
    has_contacts: bool
    # Of the contact whose access is shown; None for the client's own.
    relationship: Relationship | None
    shareable: list[ShareableDocument]

    @classmethod
    def of(cls, request: OfficeRequest, ref: str) -> "PortalTab":
        found = lookups.client_for_portal_tab(request, ref)
        relationship = lookups.relationship_in_query(request, found.client)
        if relationship is None:
            documents = shareable.list_for(request.practice, found.access)
            return cls(found.client, found.access, found.addresses, found.phones, found.has_contacts, None, documents)
        contact, access = relationship.contact, access_lookups.access_of(found.client, relationship)
        return cls(
            found.client,
            access,
            list(contact.email_addresses.open().order_by("id")),
            list(contact.phone_numbers.order_by("id").values_list("number", flat=True)),
            found.has_contacts,
            relationship,
            shareable.list_for(request.practice, access),
        )

    def form(self, data: Any | None = None, **kwargs: bool) -> ClientPortalForm:  # Any: Django's own.
        return ClientPortalForm(
            self.client, self.access, self.addresses, self.shareable, data, relationship=self.relationship, **kwargs
        )

    @property
    def shown_access(self) -> PortalAccess:
        """The access; an unsaved one that is off if none was ever saved."""
        return self.access or access_lookups.new_access(self.client, self.relationship)

    @property
    def called(self) -> str:
        """The first name of the person whose access is shown."""
        return self.shown_access.called

    @property
    def query(self) -> str:
        """The query with which the tab and its forms name the access; empty for the client's own."""
        return fix_urls.access_query(self.relationship)


def url_of(client: Client, relationship: Relationship | None) -> str:
    """Returns the address of the tab with the access of this person."""
    return reverse("office:client_portal", args=[client.ref]) + fix_urls.access_query(relationship)
