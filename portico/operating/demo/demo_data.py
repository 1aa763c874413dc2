"""Creates the demo's clients in all their states, by the same operations that staff and clients use."""

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from portico.domain.access import access_grants, access_lookups, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.help_requests import help_requests
from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.access.models import PortalSession, RunKind, SignInLink
from portico.domain.access.onboarding import (
    bulk_selection,
    invitation_run_worker,
    invitation_runs,
    invitation_text,
    invitations,
)
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.access.sign_in import link_redemption, portal_sessions, sign_in_codes, sign_in_links, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests import request_worker, sign_in_requests
from portico.domain.access.sign_in.requests.sign_in_requests import RequestOrigin
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.models import Client, EmailAddress, Status
from portico.domain.documents.templates import starter_set
from portico.gateways import imap
from portico.gateways.smtp import server_url
from portico.gateways.smtp.transport import SmtpTransport
from portico.operating.demo import demo_cards, demo_contacts, demo_documents
from portico.operating.demo.demo_books import DemoBooks
from portico.operating.seeding import file_format, loading
from portico.operating.seeding.loading import Loaded
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import report_application, report_mailbox
from portico.plumbing.models.outgoing_emails import MailQueue

PEOPLE = Path(__file__).with_name("demo_people.json")

SIGN_IN = ("alex", "dana", "lena", "lucia", "parent", "moved", "turned-off", "archived", "wrong-code")
# Two of them get no email: one mailbox refuses it, the other's consent is withdrawn before the email is sent. The mail
# server reports four others as bounced, full, marked as spam and delayed.
INVITED = (
    *SIGN_IN, "priya", "mateo", "long", "rtl", "noor", "one-name", "fetched", "bounced", "withdrawn",
    "no-mailbox", "full-mailbox", "complained", "slow-server", "mistyped", "inactive", "not-included",
)  # fmt: skip
# The first signs in, and the last is left out: she has no email address.
INVITED_TOGETHER = ("riley", "taylor", "no-clinician", "casey")


@dataclass(frozen=True)
class _Demo:
    """The loaded practice, with its staff as actors: the front desk invites, the owner changes."""

    loaded: Loaded

    def client(self, name: str) -> Client:
        return Client.objects.select_related("practice", "clinician").get(pk=self.loaded.clients[name].pk)

    @property
    def desk(self) -> Actor:
        return self.loaded.staff["fay"].actor

    @property
    def owner(self) -> Actor:
        return self.loaded.staff["naomi"].actor


def create_demo_data() -> None:
    """Fills a database without rows. The demo's mail server and sandbox Stripe must be running."""
    wanted = file_format.read(json.loads(PEOPLE.read_text(encoding="utf-8")))
    (loaded,) = loading.load(wanted, by=Actor.operator())
    demo = _Demo(loaded)
    starter_set.add(loaded.practice, by=demo.owner)
    starter_set.publish_all(loaded.practice, by=demo.owner)
    for name in INVITED:
        _invite(demo, name)
    _invite_many(demo)
    _save_address(demo, "withdrawn", email_ok=False)
    _deliver_emails()
    _deliver_emails(MailQueue.BULK)
    _apply_reports()
    for name in (*SIGN_IN, INVITED_TOGETHER[0]):
        link_redemption.redeem(loaded.practice, _token(demo, name), visitor=Browser("Firefox on Linux", "a browser"))
    link_redemption.record_fetch(_link(demo, "fetched"))
    _use_link_while_off(demo, "not-included")
    _save_address(demo, "moved", address="harper.quinn@newplace.example")
    access_grants.save_access(
        demo.client("turned-off"), _entry(demo, "turned-off", enabled=False), version=None, by=demo.owner
    )
    _enter_wrong_code(demo, "wrong-code")
    _request_link(demo, "jordan.avery@mialbox.example")
    _ask_for_help(demo, "withdrawn")
    _draft(demo, "drafted")
    _sign_in_by_pin(demo, "by-pin")
    _generate_pin(demo, "pin-given")
    client_changes.archive(demo.client("archived"), by=demo.owner)
    family = demo_contacts.add_all(loaded.practice, by=demo.desk)
    books = DemoBooks(loaded.practice, by=loaded.staff["bea"].actor)
    books.write(loaded.clients)
    books.bill(family.child, days_ago=5)
    for name in ("alex", "dana", "lena", "priya"):
        demo_documents.share(demo.client(name), by=demo.desk)
    demo_documents.share(family.child, relationship=family.mother, by=demo.desk)
    demo_documents.begin(demo.client("alex"))
    demo_documents.complete(demo.client("lena"))
    demo_documents.share_with_many(loaded.practice, requested_by=loaded.staff["fay"])
    demo_cards.pay(books.bill(demo.client("dana"), days_ago=12))
    demo_cards.pay(books.bill(demo.client("dana"), days_ago=2), demo_cards.STAYS_PROCESSING)
    demo_cards.pay_and_dispute(books.bill(demo.client("lucia"), days_ago=16))


def _invite(demo: _Demo, name: str) -> None:
    client = demo.client(name)
    text = invitation_text.default_text(client.language)
    invitations.send(client, _entry(demo, name), text, form_key=tokens.new_token(), version=None, by=demo.desk)


def _invite_many(demo: _Demo) -> None:
    """Starts a run of bulk invitations, and finishes it."""
    practice, refs = demo.loaded.practice, tuple(demo.client(name).ref for name in INVITED_TOGETHER)
    selection = Selection(RunKind.INVITE, refs=refs)
    run = invitation_runs.start(
        practice,
        selection,
        shown=bulk_selection.preview(practice, selection).digest,
        form_key=tokens.new_token(),
        requested_by=demo.loaded.staff["fay"],
    )
    while invitation_run_worker.settle_next(run):
        pass


def _entry(demo: _Demo, name: str, *, enabled: bool = True) -> AccessInput:
    access = access_lookups.access_of(demo.client(name))
    if access is None or access.address is None:
        raise LookupError(f"{name} has no address to sign in with.")
    return AccessInput(enabled, access.address.ref, access.access_billing_documents, access.pay_by_card)


def _save_address(demo: _Demo, name: str, *, address: str | None = None, email_ok: bool = True) -> None:
    """Changes the client's only address, or withdraws its consent, as the page `Client Info` does."""
    client = demo.client(name)
    (row,) = client.email_addresses.open()
    entry = ClientInput(
        _details(client),
        addresses=(_address(row, address=address, email_ok=email_ok),),
        phones=tuple(PhoneInput(phone.number, phone.kind) for phone in client.phone_numbers.all()),
    )
    client_changes.save_client_info(client, entry, version=client.version, by=demo.owner)


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


def _deliver_emails(queue: MailQueue = MailQueue.REST) -> None:
    transport = SmtpTransport(server_url.parse(settings.EMAIL_URL))
    while delivery.deliver_next(queue, transport):
        pass


def _apply_reports() -> None:
    """Applies what the mail server reports about the emails; the worker would do it a little later."""
    report_mailbox.read_new(imap.ImapMailbox(imap.parse(settings.REPORT_MAILBOX_URL)))
    while report_application.apply_next():
        pass


def _link(demo: _Demo, name: str) -> SignInLink:
    newest = invitations.invitations_of(demo.client(name).portal_access)[0]
    return SignInLink.objects.select_related("email", "practice").get(email=newest.email)


def _token(demo: _Demo, name: str) -> str:
    return sign_in_links.url_of(_link(demo, name)).rstrip("/").rpartition("/")[2]


def _use_link_while_off(demo: _Demo, name: str) -> None:
    """Uses the client's link while their access is off, so that it signs in only another client of the mailbox."""
    turned_off, turned_on = (_entry(demo, name, enabled=is_on) for is_on in (False, True))
    access_grants.save_access(demo.client(name), turned_off, version=None, by=demo.desk)
    visitor = Browser("Firefox on Linux", "a browser")
    link_redemption.redeem(demo.loaded.practice, _token(demo, name), visitor=visitor)
    access_grants.save_access(demo.client(name), turned_on, version=None, by=demo.desk)


def _generate_pin(demo: _Demo, name: str) -> str:
    """Generates a PIN and returns its digits, unused."""
    form_key = tokens.new_token()
    sign_in_pins.generate(demo.client(name), form_key=form_key, by=demo.desk)
    shown = sign_in_pins.digits(demo.client(name), form_key, to=demo.desk)
    if shown is None:
        raise LookupError(f"{name} was given no PIN.")
    return shown[1]


def _ask_for_help(demo: _Demo, name: str) -> None:
    """Asks for help at the entrance, as the client does whose sign-in email never arrives."""
    client = demo.client(name)
    address = client.email_addresses.open().latest("id").address
    phone = client.phone_numbers.values_list("number", flat=True).first()
    message = "I asked for a sign-in email twice, but nothing arrives. Mornings are best."
    entry = HelpRequestInput(client.name, phone or address, message, client.language, address)
    help_requests.create_at_entrance(demo.loaded.practice, entry, form_key=tokens.new_token(), ip="127.0.0.1")


def _request_link(demo: _Demo, address: str) -> None:
    """Requests a sign-in email at the entrance, and answers."""
    origin = RequestOrigin("a third browser", "127.0.0.1")
    sign_in_requests.create(demo.loaded.practice, address, origin=origin)
    while request_worker.process_next():
        pass
    _deliver_emails(MailQueue.ENTRANCE)


def _enter_wrong_code(demo: _Demo, name: str) -> None:
    """Signs a client out, requests a sign-in email, and enters a code that is not in it."""
    (row,) = demo.client(name).email_addresses.open()
    for session in PortalSession.objects.filter(account__accesses__client=demo.client(name)):
        portal_sessions.sign_out(session, demo.loaded.practice, by=portal_sessions.actor_of(session))
    _request_link(demo, row.address)
    visitor = Browser("Safari on iPhone", "a third browser")
    sign_in_codes.enter(
        demo.loaded.practice, "222222", browser_key="a third browser", mailbox_key=row.mailbox_key, visitor=visitor
    )


def _sign_in_by_pin(demo: _Demo, name: str) -> None:
    """Signs in by PIN, after one wrong attempt."""
    (row,) = demo.client(name).email_addresses.open()
    visitor = Browser("Chrome on Android", "another browser")
    pin = _generate_pin(demo, name)
    for typed in (f"{(int(pin) + 1) % 10**sign_in_pins.PIN_LENGTH:0{sign_in_pins.PIN_LENGTH}}", pin):
        sign_in_pins.enter(demo.loaded.practice, row.mailbox_key, typed, visitor=visitor, ip="127.0.0.1")


def _draft(demo: _Demo, name: str) -> None:
    client = demo.client(name)
    default = invitation_text.default_text(client.language)
    invitations.save_draft(
        client, InvitationText(default.subject, default.message.replace("\n\n", "\n\nIt was good to meet you.\n\n", 1))
    )
