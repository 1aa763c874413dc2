"""What a seed file asks for, read and checked."""

from dataclasses import dataclass
from datetime import date

from portico.domain.clients.models import Language, Status
from portico.domain.practices.models import Role
from portico.domain.practices.stripe_setup.api_keys import Keys


@dataclass(frozen=True)
class WantedStaff:
    ref: str
    name: str
    email: str
    role: Role
    password: str | None
    totp_secret: str | None


@dataclass(frozen=True)
class WantedAddress:
    email: str
    kind: str
    email_ok: bool


@dataclass(frozen=True)
class WantedPhone:
    number: str
    kind: str


@dataclass(frozen=True)
class WantedAccess:
    email: str | None
    enabled: bool
    access_billing_documents: bool
    pay_by_card: bool


@dataclass(frozen=True)
class WantedLine:
    description: str
    amount_minor: int
    quantity: int
    given_on: date | None


@dataclass(frozen=True)
class WantedInvoice:
    """Issued, and shared when it says so; without a date, of the day it is loaded."""

    place: str
    ref: str
    dated_on: date | None
    due_on: date | None
    currency: str | None
    shared: bool
    lines: tuple[WantedLine, ...]


@dataclass(frozen=True)
class WantedClient:
    place: str
    ref: str
    first_name: str
    last_name: str
    preferred_name: str
    date_of_birth: date | None
    clinician: str | None
    status: Status
    language: Language
    addresses: tuple[WantedAddress, ...]
    phones: tuple[WantedPhone, ...]
    access: WantedAccess | None
    invoices: tuple[WantedInvoice, ...]


@dataclass(frozen=True)
class WantedPractice:
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
    staff: tuple[WantedStaff, ...]
    clients: tuple[WantedClient, ...]


@dataclass(frozen=True)
class Wanted:
    """The whole of the file."""

    practices: tuple[WantedPractice, ...]
