"""The contents of a seed file, read and checked."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from portico.domain.billing.invoices.invoice_input import LineInput
from portico.domain.clients.client_input import AddressInput, ClientDetails, PhoneInput
from portico.domain.clients.models import RelationshipKind
from portico.domain.practices.models import Role
from portico.domain.practices.stripe_setup.api_keys import Keys


@dataclass(frozen=True)
class SeedStaff:
    ref: str
    name: str
    email: str
    role: Role
    password: str | None
    totp_secret: str | None


@dataclass(frozen=True)
class SeedAccess:
    """Portal access; an option that the file does not state is None, and is then as staff find it preset."""

    email: str | None
    enabled: bool
    access_billing_documents: bool | None
    pay_by_card: bool | None
    signs_documents: bool | None


@dataclass(frozen=True)
class SeedInvoice:
    """An issued invoice, shared if `shared`. Without a date it gets the date of loading."""

    place: str
    ref: str
    dated_on: date | None
    due_on: date | None
    currency: str | None
    shared: bool
    lines: tuple[LineInput, ...]


@dataclass(frozen=True)
class SeedContact:
    """A contact of a client. Without a first name it is the contact who has this `ref` with another client."""

    place: str
    ref: str
    kind: RelationshipKind
    first_name: str
    last_name: str
    language: str
    addresses: tuple[AddressInput, ...]
    phones: tuple[PhoneInput, ...]
    access: SeedAccess | None


@dataclass(frozen=True)
class SeedClient:
    """A client. `clinician` is the ref of a staff member, whom `details` leaves out."""

    place: str
    ref: str
    details: ClientDetails
    clinician: str | None
    addresses: tuple[AddressInput, ...]
    phones: tuple[PhoneInput, ...]
    access: SeedAccess | None
    parents_apart: bool
    contacts: tuple[SeedContact, ...]
    invoices: tuple[SeedInvoice, ...]


@dataclass(frozen=True)
class SeedPractice:
    """A practice; `fields` are those of its row."""

    place: str
    fields: dict[str, Any]  # Any: a field's value.
    stripe: Keys | None
    staff: tuple[SeedStaff, ...]
    clients: tuple[SeedClient, ...]


@dataclass(frozen=True)
class SeedPlan:
    """The whole file."""

    practices: tuple[SeedPractice, ...]
