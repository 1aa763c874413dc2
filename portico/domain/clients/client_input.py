"""Input of the operations on clients, as forms provide it."""

from dataclasses import dataclass
from datetime import date

from portico.domain.clients.models import Client, ClientKind, Status
from portico.domain.practices.models import StaffMember

# An earlier date of birth is a typo.
FIRST_YEAR_OF_BIRTH = 1880


@dataclass(frozen=True)
class ClientDetails:
    """The facts of a client that staff edit together."""

    first_name: str
    last_name: str = ""
    preferred_name: str = ""
    date_of_birth: date | None = None
    language: str = "en"
    clinician: StaffMember | None = None
    status: Status = Status.ACTIVE
    kind: ClientKind = ClientKind.PERSON


@dataclass(frozen=True)
class AddressInput:
    """An email address as entered in the form; `ref` names its existing row, None for a new one."""

    address: str
    kind: str
    email_ok: bool
    ref: str | None = None


@dataclass(frozen=True)
class PhoneInput:
    """A phone number in E.164 and its kind."""

    number: str
    kind: str


@dataclass(frozen=True)
class ClientInput:
    """The whole of `Client Info`."""

    details: ClientDetails
    addresses: tuple[AddressInput, ...] = ()
    phones: tuple[PhoneInput, ...] = ()


@dataclass(frozen=True)
class ContactInput:
    """A contact and their relationship to one client; `also_client` is the client that this person is too."""

    first_name: str
    kind: str
    last_name: str = ""
    language: str = "en"
    also_client: Client | None = None
    addresses: tuple[AddressInput, ...] = ()
    phones: tuple[PhoneInput, ...] = ()
