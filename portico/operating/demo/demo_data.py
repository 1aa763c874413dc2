"""Brings the demo's people to where they stand, by what staff and clients would do themselves."""

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import SignInLink
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.access.sign_in import link_redemption, pins, sign_in_links
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.models import Client, EmailAddress, Status
from portico.gateways.smtp import server_url
from portico.gateways.smtp.transport import SmtpTransport
from portico.operating.demo.demo_books import Books
from portico.operating.seeding import file_format, loading
from portico.operating.seeding.loading import Loaded
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery
from portico.plumbing.models.outgoing_emails import MailQueue

PEOPLE = Path(__file__).with_name("demo_people.json")

SIGN_IN = ("alex", "dana", "lena", "lucia", "parent", "moved", "turned-off", "inactive", "archived")
# Two of them never hear of it: one mailbox refuses mail, the other's consent is withdrawn before the mail leaves.
INVITED = (*SIGN_IN, "priya", "mateo", "long", "rtl", "noor", "one-name", "fetched", "bounced", "withdrawn")


@dataclass(frozen=True)
class _Stage:
    """Who is there, and who does what: the front desk invites, the owner changes."""

    loaded: Loaded

    def client(self, name: str) -> Client:
        return Client.objects.select_related("practice", "clinician").get(pk=self.loaded.clients[name].pk)

    @property
    def desk(self) -> Actor:
        return self.loaded.staff["fay"].actor

    @property
    def owner(self) -> Actor:
        return self.loaded.staff["naomi"].actor


def make() -> None:
    """Into an empty database. The mailbox must be running: invitations are really mailed, and links pressed."""
    wanted = file_format.read(json.loads(PEOPLE.read_text(encoding="utf-8")))
    (loaded,) = loading.load(wanted, by=Actor.operator())
    stage = _Stage(loaded)
    for name in INVITED:
        _invite(stage, name)
    _save_address(stage, "withdrawn", email_ok=False)
    _hand_over()
    for name in SIGN_IN:
        link_redemption.redeem(loaded.practice, _token(stage, name), visitor=Browser("Firefox on Linux", "a browser"))
    link_redemption.record_fetch(_link(stage, "fetched"))
    _save_address(stage, "moved", address="harper.quinn@newplace.example")
    access_grants.save_access(
        stage.client("turned-off"), _entry(stage, "turned-off", enabled=False), version=None, by=stage.owner
    )
    _draft(stage, "drafted")
    _sign_in_by_pin(stage, "by-pin")
    _read_out_pin(stage, "pin-given")
    client_changes.archive(stage.client("archived"), by=stage.owner)
    Books(loaded.practice, by=loaded.staff["bea"].actor).keep(loaded.clients)


def _invite(stage: _Stage, name: str) -> None:
    client = stage.client(name)
    text = invitation_text.default_text(client.language)
    invitations.send(client, _entry(stage, name), text, form_key=tokens.new_token(), version=None, by=stage.desk)


def _entry(stage: _Stage, name: str, *, enabled: bool = True) -> AccessInput:
    access = access_grants.access_of(stage.client(name))
    if access is None or access.address is None:
        raise LookupError(f"{name} has no address to sign in with.")
    return AccessInput(enabled, access.address.ref, access.access_billing_documents, access.pay_by_card)


def _save_address(stage: _Stage, name: str, *, address: str | None = None, email_ok: bool = True) -> None:
    """As in `Client Info`: the only address changed, or its consent withdrawn."""
    client = stage.client(name)
    (row,) = client.email_addresses.open()
    entry = ClientInput(
        _details(client),
        addresses=(_address(row, address=address, email_ok=email_ok),),
        phones=tuple(PhoneInput(phone.number, phone.kind) for phone in client.phone_numbers.all()),
    )
    client_changes.save_client_info(client, entry, version=client.version, by=stage.owner)


def _details(client: Client) -> ClientDetails:
    return ClientDetails(
        first_name=client.first_name,
        last_name=client.last_name,
        preferred_name=client.preferred_name,
        date_of_birth=client.date_of_birth,
        language=client.language,
        clinician=client.clinician,
        status=Status(client.status),
    )


def _address(row: EmailAddress, *, address: str | None, email_ok: bool) -> AddressInput:
    return AddressInput(address or row.address, row.kind, email_ok, ref=row.ref)


def _hand_over() -> None:
    transport = SmtpTransport(server_url.parse(settings.EMAIL_URL))
    while delivery.deliver_next(MailQueue.REST, transport):
        pass


def _link(stage: _Stage, name: str) -> SignInLink:
    newest = invitations.invitations_of(stage.client(name))[0]
    return SignInLink.objects.select_related("email", "practice").get(email=newest.email)


def _token(stage: _Stage, name: str) -> str:
    return sign_in_links.url_of(_link(stage, name)).rstrip("/").rpartition("/")[2]


def _read_out_pin(stage: _Stage, name: str) -> str:
    """The numbers that the desk reads out; nobody has typed them yet."""
    form_key = tokens.new_token()
    pins.generate(stage.client(name), form_key=form_key, by=stage.desk)
    shown = pins.digits(stage.client(name), form_key, to=stage.desk)
    if shown is None:
        raise LookupError(f"{name} was given no PIN.")
    return shown[1]


def _sign_in_by_pin(stage: _Stage, name: str) -> None:
    """After a slip of the finger."""
    (row,) = stage.client(name).email_addresses.open()
    visitor = Browser("Chrome on Android", "another browser")
    pin = _read_out_pin(stage, name)
    for typed in (f"{(int(pin) + 1) % 10**pins.PIN_LENGTH:0{pins.PIN_LENGTH}}", pin):
        pins.enter(stage.loaded.practice, row.mailbox_key, typed, visitor=visitor, ip="127.0.0.1")


def _draft(stage: _Stage, name: str) -> None:
    client = stage.client(name)
    default = invitation_text.default_text(client.language)
    invitations.save_draft(
        client, InvitationText(default.subject, default.message.replace("\n\n", "\n\nIt was good to meet you.\n\n", 1))
    )
