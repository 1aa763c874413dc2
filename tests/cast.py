"""The same people in every test.

*Ana* is a client, *Bruno* acts for his daughter Bea, *Carol* is another client, *Dora* a client of another practice;
*Dr Elm* owns the practice, *Fay* is the front desk, *Gus* has left, *Hal* is a clinician, *Ines* is the biller.
"""

from datetime import date, timedelta
from typing import Any, cast

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.test import RequestFactory

from portico.domain.access import access_grants, access_lookups
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.help_requests import help_requests
from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.access.models import (
    HelpRequest,
    Invitation,
    InvitationRun,
    PortalAccess,
    PortalAccount,
    RunKind,
    SignInLink,
    SignInMethod,
    SignInRequest,
)
from portico.domain.access.onboarding import bulk_selection, invitation_runs, invitation_text, invitations
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.sign_in import completing_sign_in as domain_sign_in
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker, sign_in_requests
from portico.domain.access.sign_in.requests.sign_in_requests import RequestOrigin
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
from portico.domain.clients import contacts, registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, ContactInput, PhoneInput
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.domain.documents.models import DocumentTemplate
from portico.domain.documents.templates import starter_set
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import authenticator_apps
from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import EmailState
from portico.web import staff_verification
from portico.web.entrance import completing_sign_in
from portico.web.http import ip_and_browser
from portico.web.http.request_types import OpenRequest

PASSWORD = "a long walk by the river"
BACKEND = "portico.domain.practices.staff.allauth_backend.StaffBackend"
DESK = Actor.system("The desk")


def alder(time_zone: str = "America/New_York") -> Practice:
    """Creates the practice of everyone but Dora."""
    return Practice.objects.create(
        slug="alder-street",
        name="Alder Street Therapy",
        time_zone=time_zone,
        phone="+12125550177",
        reply_to="desk@alder.example",
        support_hours="Mon–Fri, 9 to 5",
    )


def birch() -> Practice:
    """Creates another practice of the same installation."""
    return Practice.objects.create(slug="birch-lane", name="Birch Lane Nutrition", reply_to="desk@birch.example")


def cedar() -> Practice:
    """Creates a third practice, for tests of changes to a whole practice."""
    return Practice.objects.create(slug="cedar-hill", name="Cedar Hill", reply_to="desk@cedar.example")


def staff_member(practice: Practice, name: str, role: Role) -> StaffMember:
    """Creates a member of staff with PASSWORD; the address consists of the last word of the name and the slug."""
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
    """Creates a client with at most one email address and one phone number."""
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
    """Creates Bruno's daughter, who has his email address."""
    return client(practice, "Bea", "Berg", address="bruno@mail.example")


def guardian(
    person: Client,
    first_name: str = "Bruno",
    *,
    kind: RelationshipKind = RelationshipKind.GUARDIAN,
    address: str | None = "bruno@mail.example",
    email_ok: bool = True,
    phone: str | None = None,
    also_client: Client | None = None,
) -> Relationship:
    """Adds a contact named Berg to the person, by default Bruno as guardian; returns the relationship."""
    entry = ContactInput(
        first_name,
        kind,
        last_name="Berg",
        also_client=also_client,
        addresses=(AddressInput(address, "home", email_ok),) if address else (),
        phones=(PhoneInput(phone, "mobile"),) if phone else (),
    )
    return contacts.add(person, entry, form_key="", by=DESK)


def with_contact_access(relationship: Relationship) -> PortalAccess:
    """Turns on the contact's access with their first address and the options of the relationship; returns it."""
    return access_grants.save_access(
        relationship.client, entry_for_contact(relationship), version=None, by=DESK, relationship=relationship
    )


def entry_for_contact(relationship: Relationship) -> AccessInput:
    """Returns the input of the form that turns the contact's access on as it is preset."""
    address = relationship.contact.email_addresses.open().order_by("id").first()
    preset = access_lookups.new_access(relationship.client, relationship)
    return AccessInput(
        enabled=True,
        address=address.ref if address else None,
        access_billing_documents=preset.access_billing_documents,
        pay_by_card=preset.pay_by_card,
        signs_documents=preset.signs_documents,
    )


def carol(practice: Practice) -> Client:
    return client(practice, "Carol", "Cole", address="carol@mail.example")


def dora(practice: Practice) -> Client:
    """Creates Dora; her practice is `birch()`."""
    return client(practice, "Dora", "Diaz", address="dora@mail.example")


def with_access(person: Client) -> PortalAccess:
    """Turns on access with the person's first address; returns the access."""
    return access_grants.save_access(person, entry_for(person), version=None, by=DESK)


def entry_for(person: Client) -> AccessInput:
    """Returns the input of the form that turns access on with the first address."""
    address = person.email_addresses.open().order_by("id").first()
    return AccessInput(
        enabled=True, address=address.ref if address else None, access_billing_documents=True, pay_by_card=False
    )


def invited(person: Client, *, by: Actor = DESK, relationship: Relationship | None = None) -> Invitation:
    """Turns on access and sends the invitation with the default text; returns the invitation."""
    text = invitation_text.default_text(person.language)
    entry = entry_for(person) if relationship is None else entry_for_contact(relationship)
    return invitations.send(
        person, entry, text, form_key=tokens.new_token(), version=None, by=by, relationship=relationship
    ).invitation


def invitation_run(person: Client, requested_by: StaffMember) -> InvitationRun:
    """Starts a run that will invite the person; returns it."""
    selection = Selection(RunKind.INVITE, refs=(person.ref,))
    shown = bulk_selection.preview(person.practice, selection).digest
    return invitation_runs.start(
        person.practice, selection, shown=shown, form_key=tokens.new_token(), requested_by=requested_by
    )


def stopped(
    person: Client, kind: ReportKind = ReportKind.FAILED, *, relationship: Relationship | None = None
) -> OutgoingEmail:
    """Invites the person, or their contact, whose mailbox is then stopped by a report; returns the mail."""
    email = invited(person, relationship=relationship).email
    now = clock.now()
    OutgoingEmail.objects.filter(pk=email.pk).update(
        state=EmailState.HANDED_OVER, settled_at=now, handing_over_at=now, handed_over_at=now
    )
    code = "5.1.1" if kind is ReportKind.FAILED else ""
    delivery_reports.store([NewReport(email.ref, DSN, f"{email.ref} {kind}", kind, now, status_code=code)])
    assert report_application.apply_next()
    email.refresh_from_db()
    return email


def signed_in[B: Browser](browser: B, member: StaffMember) -> B:
    """Signs the member in at the office; returns the browser."""
    browser.force_login(member, backend=BACKEND)
    return browser


def with_authenticator(member: StaffMember) -> str:
    """Sets up the member's authenticator app and recovery codes; returns the app's secret."""
    secret = authenticator_apps.new_secret()
    authenticator_apps.save(member, secret, first=True, by=member.actor)
    return secret


def code_now(secret: str, *, later: int = 0) -> str:
    """Returns the code that the app shows, `later` steps of 30 seconds from now."""
    return authenticator_apps.code_at(secret, int(clock.now().timestamp()) // authenticator_apps.STEP + later)


def signed_in_with_factor[B: Browser](browser: B, member: StaffMember) -> B:
    """Signs the member in with the second factor; returns the browser."""
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
    """Returns Fay's browser, signed in at `practice`."""
    return signed_in(client, fay(practice))


def bill(
    person: Client,
    amount_minor: int = 14_000,
    *,
    due_on: date | None = None,
    shared: bool = True,
    label: str = "Session, 50 minutes",
) -> Invoice:
    """Returns an invoice with one line, issued today, due in two weeks, and shared unless `shared` is False."""
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
    """Records a cash payment for one invoice, or for the account; returns the payment."""
    entry = PaymentInput(PaymentKind.CASH, amount_minor, clock.today(person.practice.time_zone))
    return manual_payments.record(person, entry, invoice=invoice, shown=None, by=DESK)


def attempt(*invoices: Invoice, state: AttemptState = AttemptState.OPEN) -> PaymentAttempt:
    """Creates an attempt to pay these invoices by card, as it is before Stripe is called."""
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
    """Ends the attempt as succeeded: records and allocates its payment; returns the payment."""
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
    """Marks the invitation's mail as handed over; returns the token of its link."""
    link = SignInLink.objects.select_related("email", "practice").get(email=invitation.email)
    OutgoingEmail.objects.filter(pk=link.email_id, handing_over_at=None).update(handing_over_at=clock.now())
    return sign_in_links.url_of(link).rstrip("/").rpartition("/")[2]


def in_the_portal[B: Browser](browser: B, person: Client) -> B:
    """Signs the person's mailbox in, as the button of a link does; turns access on first. Returns the browser."""
    unlocked = with_access(person).account or pytest.fail("Give the person an address first.")
    return _signed_in_account(browser, _request_of(browser, person.practice), unlocked)


def contact_in_the_portal[B: Browser](browser: B, relationship: Relationship) -> B:
    """Signs the contact's mailbox in; turns access on first. Returns the browser."""
    unlocked = with_contact_access(relationship).account or pytest.fail("Give the contact an address first.")
    return _signed_in_account(browser, _request_of(browser, relationship.client.practice), unlocked)


def _request_of(browser: Browser, practice: Practice) -> OpenRequest:
    environ: dict[str, Any] = dict(browser.defaults)  # Any: the parameters of the factory.
    request = cast(OpenRequest, RequestFactory(**environ).get("/"))
    request.COOKIES = {name: morsel.value for name, morsel in browser.cookies.items()}
    request.practice = practice
    return request


def _signed_in_account[B: Browser](browser: B, request: OpenRequest, unlocked: PortalAccount) -> B:
    visitor = ip_and_browser.browser_from(request)
    with transaction.atomic():
        account = PortalAccount.objects.locked().get(pk=unlocked.pk)
        started = domain_sign_in.complete(
            request.practice, account, method=SignInMethod.LINK, proof_epoch=account.epoch, visitor=visitor
        )
    browser.cookies.update(completing_sign_in.complete_sign_in(request, started, visitor).cookies)
    return browser


def asked(practice: Practice, address: str, *, browser: str = "a browser", ip: str = "203.0.113.7") -> SignInRequest:
    """Requests a link at the entrance, in a browser of that key."""
    return sign_in_requests.create(practice, address, origin=RequestOrigin(browser, ip))


def asked_for_help(
    practice: Practice, address: str, *, form_key: str = "", contact: str = "(212) 555-0134"
) -> HelpRequest:
    """Asks for help at the entrance with that address."""
    entry = HelpRequestInput("Ana", contact, "The email does not arrive.", "en", address)
    help_requests.create_at_entrance(practice, entry, form_key=form_key, ip="203.0.113.7")
    return HelpRequest.objects.latest("id")


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


def form_template(practice: Practice, title: str = "Intake form") -> DocumentTemplate:
    """Adds and publishes the starter set; returns one of its documents."""
    starter_set.add(practice, by=DESK)
    starter_set.publish_all(practice, by=DESK)
    return DocumentTemplate.objects.get(practice=practice, title=title)
