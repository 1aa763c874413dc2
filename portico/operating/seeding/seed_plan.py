"""The contents of a seed file, read and checked."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from portico.domain.billing.invoices.invoice_input import LineInput
from portico.domain.clients.client_input import AddressInput, ClientDetails, PhoneInput
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
    email: str | None
    enabled: bool
    access_billing_documents: bool
    pay_by_card: bool


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
class SeedClient:
    """A client. `clinician` is the ref of a staff member, whom `details` leaves out."""

    place: str
    ref: str
    details: ClientDetails
    clinician: str | None
    addresses: tuple[AddressInput, ...]
    phones: tuple[PhoneInput, ...]
    access: SeedAccess | None
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
