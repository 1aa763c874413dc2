"""Models of clients: the clients, the contacts around them, email addresses, phone numbers and search terms."""

from portico.domain.clients.models.addresses import AddressKind, EmailAddress, PhoneKind, PhoneNumber
from portico.domain.clients.models.clients import (
    Client,
    ClientKind,
    ClientQuerySet,
    Language,
    PortalState,
    Status,
)
from portico.domain.clients.models.contacts import Contact, Relationship, RelationshipKind, is_none_or_current
from portico.domain.clients.models.search_terms import SearchTerm

__all__ = [
    "AddressKind",
    "Client",
    "ClientKind",
    "ClientQuerySet",
    "Contact",
    "EmailAddress",
    "Language",
    "PhoneKind",
    "PhoneNumber",
    "PortalState",
    "Relationship",
    "RelationshipKind",
    "SearchTerm",
    "Status",
    "is_none_or_current",
]
