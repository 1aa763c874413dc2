"""The same people in every test.

*Ana* is a client, *Bruno* acts for his daughter Bea, *Carol* is another client, *Dora* a client of another practice;
*Dr Elm* owns the practice, *Fay* keeps the desk, *Gus* has left, *Hal* is a clinician, *Ines* does the bills.
"""

from datetime import date, timedelta
from typing import cast

import pytest
from django.test import Client as Browser

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation, PortalAccess, SignInLink, SignInRequest
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.sign_in import request_worker, sign_in_links, sign_in_requests
from portico.domain.access.sign_in.sign_in_requests import RequestOrigin
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import (
    AttemptInvoice,
    AttemptMethod,
    AttemptState,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
    ReceiptCounter,
)
from portico.domain.billing.payments import manual_payments
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.clients import registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, PhoneInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import authenticators
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.models import OutgoingEmail
from portico.web import page_subjects, staff_verification
from portico.web.entrance.opened_links import OpenedLink

PASSWORD = "a long walk by the river"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
DESK = Actor.system("The desk")


def alder(time_zone: str = "America/New_York") -> Practice:
    """Where everybody but Dora is."""
    return Practice.objects.create(
        slug="alder-street",
        name="Alder Street Therapy",
        time_zone=time_zone,
        phone="+12125550177",
        reply_to="desk@alder.example",
        support_hours="Mon–Fri, 9 to 5",
    )


def birch() -> Practice:
    """Another practice of the same installation."""
    return Practice.objects.create(slug="birch-lane", name="Birch Lane Nutrition", reply_to="desk@birch.example")


def cedar() -> Practice:
    """A third one, for what happens to a practice as a whole."""
    return Practice.objects.create(slug="cedar-hill", name="Cedar Hill", reply_to="desk@cedar.example")


def staff_member(practice: Practice, name: str, role: Role) -> StaffMember:
    """Somebody who works there, with PASSWORD; the address is made of the first name and the practice's slug."""
    email = f"{name.rsplit(maxsplit=1)[-1].lower()}@{practice.slug}.example"
    member = StaffMember(practice=practice, email=email, name=name, role=role)
    member.set_password(PASSWORD)
    member.save()
    return member


def elm(practice: Practice) -> StaffMember:
    return staff_member(practice, "Dr. Naomi Elm", Role.OWNER)


def fay(practice: Practice) -> StaffMember:
    return staff_member(practice, "Fay", Role.FRONT_DESK)


def gus(practice: Practice) -> StaffMember:
    member = staff_member(practice, "Gus", Role.FRONT_DESK)
    member.deactivated_at = clock.now()
    member.save(update_fields=["deactivated_at"])
    return member


def hal(practice: Practice) -> StaffMember:
    return staff_member(practice, "Hal", Role.CLINICIAN)


def ines(practice: Practice) -> StaffMember:
    return staff_member(practice, "Ines", Role.BILLER)


def client(
    practice: Practice,
    first_name: str,
    last_name: str = "",
    *,
    address: str | None = None,
    email_ok: bool = True,
    phone: str | None = None,
    language: str = "en",
) -> Client:
    """A client with at most one address and one number."""
    entry = ClientInput(
        ClientDetails(first_name=first_name, last_name=last_name, language=language),
        addresses=(AddressInput(address, "home", email_ok),) if address else (),
        phones=(PhoneInput(phone, "mobile"),) if phone else (),
    )
    return registration.create(practice, entry, by=DESK)


def ana(practice: Practice) -> Client:
    return client(practice, "Ana", "Abreu", address="ana@mail.example", phone="+12125550134")


def bruno(practice: Practice) -> Client:
    return client(practice, "Bruno", "Berg", address="bruno@mail.example")


def bea(practice: Practice) -> Client:
    """Bruno's daughter, with his mailbox."""
    return client(practice, "Bea", "Berg", address="bruno@mail.example")


def carol(practice: Practice) -> Client:
    return client(practice, "Carol", "Cole", address="carol@mail.example")


def dora(practice: Practice) -> Client:
    """Give her `birch()`."""
    return client(practice, "Dora", "Diaz", address="dora@mail.example")


def with_access(person: Client) -> PortalAccess:
    """Turns access on, with the person's first address chosen."""
    return access_grants.save_access(person, entry_for(person), version=None, by=DESK)


def entry_for(person: Client) -> AccessInput:
    """Access on, with the first address, as the form would say it."""
    address = person.email_addresses.open().order_by("id").first()
    return AccessInput(
        enabled=True, address=address.ref if address else None, access_billing_documents=True, pay_by_card=False
    )


def invited(person: Client) -> Invitation:
    """Turns access on and sends the invitation with the default text."""
    text = invitation_text.default_text(person.language)
    return invitations.send(
        person, entry_for(person), text, form_key=tokens.new_token(), version=None, by=DESK
    ).invitation


def signed_in[B: Browser](browser: B, member: StaffMember) -> B:
    """The browser with the member signed in at the office."""
    browser.force_login(member, backend=BACKEND)
    return browser


def with_authenticator(member: StaffMember) -> str:
    """Sets up the member's authenticator app, with recovery codes; returns the secret that the app knows."""
    secret = authenticators.new_secret()
    authenticators.save(member, secret, first=True, by=member.actor)
    return secret


def code_now(secret: str, *, later: int = 0) -> str:
    """What the member's app shows, `later` steps of 30 seconds from now."""
    return authenticators.code_at(secret, int(clock.now().timestamp()) // authenticators.STEP + later)


def signed_in_with_factor[B: Browser](browser: B, member: StaffMember) -> B:
    """The browser with the member signed in, the second step taken too."""
    signed_in(browser, member)
    session = cast(SessionStore, browser.session)
    staff_verification.record(session, SecondFactorMethod.AUTHENTICATOR)
    session.save()
    return browser


@pytest.fixture
def practice(db: None) -> Practice:
    return alder()


@pytest.fixture
def office(client: Browser, practice: Practice) -> Browser:
    """Fay's browser, signed in at `practice`."""
    return signed_in(client, fay(practice))


def bill(
    person: Client,
    amount_minor: int = 14_000,
    *,
    due_on: date | None = None,
    shared: bool = True,
    label: str = "Session, 50 minutes",
) -> Invoice:
    """An invoice of one line, issued today and shared unless said otherwise; due in two weeks."""
    today = clock.today(person.practice.time_zone)
    entry = InvoiceInput(
        min(today, due_on or today), due_on or today + timedelta(days=14), (LineInput(label, amount_minor),)
    )
    draft = invoicing.create_draft(person, entry, by=DESK)
    invoice = (
        invoice_sharing.share(draft, shown=None, by=DESK).invoice
        if shared
        else invoicing.issue(draft, shown=None, by=DESK)
    )
    invoice.refresh_from_db()
    return invoice


def cash(person: Client, amount_minor: int, *, invoice: Invoice | None = None) -> Payment:
    """Money at the desk, for one invoice or for the account."""
    entry = PaymentInput(PaymentKind.CASH, amount_minor, clock.today(person.practice.time_zone))
    return manual_payments.record(person, entry, invoice=invoice, shown=None, by=DESK)


def attempt(*invoices: Invoice, state: AttemptState = AttemptState.OPEN) -> PaymentAttempt:
    """Somebody's try to pay these invoices by card, as it stands before Stripe is called."""
    client = invoices[0].client
    account = PortalAccess.objects.get(client=client).account or pytest.fail("Give the client access first.")
    made = PaymentAttempt.objects.create(
        practice=client.practice,
        account=account,
        client=client,
        method=AttemptMethod.CHECKOUT,
        amount_minor=sum(invoice.still_open_minor for invoice in invoices),
        currency=client.practice.currency,
        is_balance=len(invoices) > 1,
        state=state,
        idempotency_key=tokens.new_token(),
        livemode=False,
    )
    for invoice in invoices:
        AttemptInvoice.objects.create(
            practice=client.practice, attempt=made, invoice=invoice, amount_minor=invoice.still_open_minor
        )
    return made


def charged(payer: PaymentAttempt, *, by: Actor = DESK) -> Payment:
    """The attempt has succeeded: its payment is written and put where it was meant for."""
    covers = list(payer.covers.select_related("invoice"))
    with locks.lock_books(payer.client) as held:
        payment = Payment.objects.create(
            practice=held.practice,
            client=held,
            kind=PaymentKind.ONLINE,
            amount_minor=payer.amount_minor,
            currency=payer.currency,
            received_on=clock.today(held.practice.time_zone),
            number=ReceiptCounter.objects.take_number(held.practice),
            attempt=payer,
            account=payer.account,
            stripe_charge_id=f"ch_{payer.ref}",
            card_brand="visa",
            card_last4="4242",
        )
        allocation.allocate(payment, [AllocationTarget(cover.invoice, cover.amount_minor) for cover in covers])
        allocation.end_attempt(payer, AttemptState.SUCCEEDED, by=by)
    payment.refresh_from_db()
    return payment


def token_of(invitation: Invitation) -> str:
    """The secret part of the invitation's link, as its mail carries it once it is handed over."""
    link = SignInLink.objects.select_related("email", "practice").get(email=invitation.email)
    OutgoingEmail.objects.filter(pk=link.email_id, handing_over_at=None).update(handing_over_at=clock.now())
    return sign_in_links.url_of(link).rstrip("/").rpartition("/")[2]


def in_the_portal[B: Browser](browser: B, person: Client) -> B:
    """The browser with the person's mailbox signed in: invited, link opened, button pressed."""
    token = token_of(invited(person))
    browser.get(f"/portal/{person.practice.slug}/link/{token}/")
    opened = OpenedLink(person.practice.slug, token)
    browser.post(f"/portal/{person.practice.slug}/link/", {page_subjects.FIELD: opened.name})
    return browser


def asked(practice: Practice, address: str, *, browser: str = "a browser", ip: str = "203.0.113.7") -> SignInRequest:
    """Somebody asked for a link at the entrance, in a browser of that key."""
    return sign_in_requests.create(practice, address, origin=RequestOrigin(browser, ip))


def mailed(practice: Practice, address: str, *, browser: str = "a browser") -> SignInLink:
    """The link for somebody who asked, its mail handed over."""
    ask = asked(practice, address, browser=browser)
    assert request_worker.process_next()
    return handed_over(ask)


def handed_over(ask: SignInRequest) -> SignInLink:
    """The link that was mailed for an ask, as if the mail had just left."""
    link = SignInLink.objects.select_related("email", "practice", "request").get(request=ask)
    OutgoingEmail.objects.filter(pk=link.email_id).update(handing_over_at=clock.now())
    return link
