"""Models of clients: the clients, their email addresses, phone numbers and search terms."""

from portico.domain.clients.models.addresses import AddressKind, EmailAddress, PhoneKind, PhoneNumber
from portico.domain.clients.models.clients import (
    ADULT_AGE,
    Client,
    ClientQuerySet,
    Language,
    PortalState,
    Status,
)
from portico.domain.clients.models.search_terms import SearchTerm

__all__ = [
    "ADULT_AGE",
    "AddressKind",
    "Client",
    "ClientQuerySet",
    "EmailAddress",
    "Language",
    "PhoneKind",
    "PhoneNumber",
    "PortalState",
    "SearchTerm",
    "Status",
]
