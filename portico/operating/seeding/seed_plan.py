"""The contents of a seed file, read and checked."""

from dataclasses import dataclass
from datetime import date

from portico.domain.clients.models import Language, Status
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
class SeedAddress:
    email: str
    kind: str
    email_ok: bool


@dataclass(frozen=True)
class SeedPhone:
    number: str
    kind: str


@dataclass(frozen=True)
class SeedAccess:
    email: str | None
    enabled: bool
    access_billing_documents: bool
    pay_by_card: bool


@dataclass(frozen=True)
class SeedLine:
    description: str
    amount_minor: int
    quantity: int
    given_on: date | None


@dataclass(frozen=True)
class SeedInvoice:
    """An issued invoice, shared if `shared`. Without a date it gets the date of loading."""

    place: str
    ref: str
    dated_on: date | None
    due_on: date | None
    currency: str | None
    shared: bool
    lines: tuple[SeedLine, ...]


@dataclass(frozen=True)
class SeedClient:
    place: str
    ref: str
    first_name: str
    last_name: str
    preferred_name: str
    date_of_birth: date | None
    clinician: str | None
    status: Status
    language: Language
    addresses: tuple[SeedAddress, ...]
    phones: tuple[SeedPhone, ...]
    access: SeedAccess | None
    invoices: tuple[SeedInvoice, ...]


@dataclass(frozen=True)
class SeedPractice:
    place: str
    slug: str
    name: str
    time_zone: str
    currency: str
    country: str
    phone: str
    reply_to: str
    sender_name: str
    support_hours: str
    postal_address: str
    greeting: str
    greeting_es: str
    emergency_text: str
    emergency_text_es: str
    hue: int
    stripe: Keys | None
    staff: tuple[SeedStaff, ...]
    clients: tuple[SeedClient, ...]


@dataclass(frozen=True)
class SeedPlan:
    """The whole file."""

    practices: tuple[SeedPractice, ...]
