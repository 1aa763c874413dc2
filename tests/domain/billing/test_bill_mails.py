"""The mail about a new bill is sent only while the client may see the bill and has consented to email."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from portico.domain.access import access_grants, access_lookups, client_changes, contact_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import MAX_LIVE_LINKS, PortalAccess, SignInLink
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import bill_mails
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.models import Invoice, Payment, PaymentKind, ReceiptCounter
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, ContactInput
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.servers.smtp import SmtpServer


@pytest.fixture
def bill(practice: Practice) -> Invoice:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return cast.bill(ana, 14_000)


def deliver(smtp: SmtpServer) -> OutgoingEmail:
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    return OutgoingEmail.objects.get(kind=bill_mails.NEW_BILL)


def save_access(client: Client, entry: AccessInput) -> None:
    access_grants.save_access(client, entry, version=None, by=cast.DESK)


def save_address(client: Client, address: str, *, email_ok: bool) -> None:
    old = client.email_addresses.open().get()
    entry = ClientInput(
        ClientDetails(first_name="Ana", last_name="Abreu"), (AddressInput(address, "home", email_ok, old.ref),), ()
    )
    client.refresh_from_db()
    client_changes.save_client_info(client, entry, version=client.version, by=cast.DESK)


def withdraw_consent(bill: Invoice) -> None:
    save_address(bill.client, "ana@mail.example", email_ok=False)


def change_address(bill: Invoice) -> None:
    save_address(bill.client, "ana@new.example", email_ok=True)


def turn_the_option_off(bill: Invoice) -> None:
    save_access(bill.client, replace(cast.entry_for(bill.client), access_billing_documents=False))


def turn_access_off(bill: Invoice) -> None:
    save_access(bill.client, replace(cast.entry_for(bill.client), enabled=False))


def archive(bill: Invoice) -> None:
    client_changes.archive(bill.client, by=cast.DESK)


def stop_mail(bill: Invoice) -> None:
    PortalAccess.objects.filter(client=bill.client).update(mail_stopped_at=clock.now())


def unshare(bill: Invoice) -> None:
    invoice_sharing.unshare(bill, shown=None, by=cast.DESK)


def void(bill: Invoice) -> None:
    invoicing.void(bill, reason="Created by mistake", shown=None, by=cast.DESK)


def test_the_mail_has_a_name_and_a_link_but_no_details(bill: Invoice, smtp: SmtpServer) -> None:
    assert deliver(smtp).state == "handed_over"
    (mail,) = smtp.mails
    text = mail.text()
    assert "http://localhost:8000/portal/alder-street/" in text
    assert "Ana" in text
    for secret in ("140", "Session", str(bill.ref)):
        assert secret not in text
        assert secret not in mail.text("html")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (withdraw_consent, "Email ok was withdrawn for this address."),
        (change_address, "The client’s email address was changed."),
        (turn_the_option_off, "Access billing documents was turned off."),
        (turn_access_off, "Client Portal Access was turned off."),
        (archive, "The client was archived."),
        (stop_mail, "We stopped emailing this address."),
        (unshare, "The invoice is no longer shared."),
        (void, "The invoice is no longer shared."),
    ],
)
def test_a_change_before_delivery_drops_the_mail(
    bill: Invoice, smtp: SmtpServer, change: Callable[[Invoice], None], reason: str
) -> None:
    change(bill)
    mail = deliver(smtp)
    assert (mail.state, mail.reason, smtp.mails) == ("dropped", reason, [])
    entry = AuditEntry.objects.get(action=AuditAction.EMAIL_DROPPED)
    assert (entry.client_id, entry.details["reason"]) == (bill.client_id, reason)


@pytest.mark.parametrize(
    ("born", "greeting"),
    [
        (None, "Hello,\n\nHere is your receipt for Ana."),
        (date(2008, 11, 24), "Hello,\n\nHere is your receipt for Ana."),
        (date(2008, 11, 23), "Hello Ana,\n\nHere is your receipt."),
    ],
)
def test_only_a_client_known_to_be_an_adult_is_greeted_by_name(bill: Invoice, born: date | None, greeting: str) -> None:
    Client.objects.update(date_of_birth=born)
    client = Client.objects.get(pk=bill.client_id)
    payment = cast.cash(client, 1_000, invoice=bill)
    receipt = bill_mails.send_receipt(payment, by=cast.DESK)
    assert receipt is not None
    assert receipt.content["message"] == greeting
    assert client.greeted_as(clock.today("America/New_York")) == ("Ana" if "Hello Ana" in greeting else "")


def test_a_bill_shared_again_is_mailed_again(bill: Invoice, smtp: SmtpServer) -> None:
    unshare(bill)
    assert deliver(smtp).state == "dropped"
    shared = invoice_sharing.share(bill, shown=None, by=cast.DESK)
    assert shared.email is not None
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    shared.email.refresh_from_db()
    assert shared.email.state == "handed_over"


def test_mails_about_many_bills_leave_an_invitation_valid(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    for _ in range(MAX_LIVE_LINKS + 2):
        cast.bill(ana)
    unspent = SignInLink.objects.unspent()
    assert unspent.get(is_invitation=True).email_id == invitation.email_id
    assert unspent.filter(is_invitation=False).count() == MAX_LIVE_LINKS


def paid_by_card(access: PortalAccess) -> Payment:
    client = access.client
    return Payment.objects.create(
        practice=client.practice,
        client=client,
        kind=PaymentKind.ONLINE,
        amount_minor=14_000,
        currency="USD",
        received_on=clock.today(client.practice.time_zone),
        number=ReceiptCounter.objects.take_number(client.practice),
        account=access.account,
        stripe_charge_id="ch_1",
        card_brand="visa",
        card_last4="4242",
    )


def correct_address(guardian: Relationship, address: str) -> None:
    row = guardian.contact.email_addresses.open().get()
    corrected = AddressInput(address, "home", email_ok=True, ref=row.ref)
    entry = ContactInput("Bruno", guardian.kind, last_name="Berg", addresses=(corrected,))
    guardian.contact.refresh_from_db()
    contact_changes.save_contact(guardian, entry, version=guardian.contact.version, by=cast.DESK)


def test_a_receipt_follows_the_contact_who_paid_to_their_new_address(bill: Invoice) -> None:
    guardian = cast.guardian(bill.client)
    payment = paid_by_card(cast.with_contact_access(guardian))
    correct_address(guardian, "b2@mail.example")
    receipt = bill_mails.send_receipt(payment, by=cast.DESK)
    assert receipt is not None
    assert (receipt.to_address, receipt.content["relationship"]) == ("b2@mail.example", guardian.ref)


def test_no_receipt_goes_to_another_person_than_the_one_who_paid(bill: Invoice) -> None:
    guardian = cast.guardian(bill.client)
    payment = paid_by_card(cast.with_contact_access(guardian))
    # Another person has had that address too, so it no longer shows who paid.
    cast.guardian(bill.client, "Maria")
    correct_address(guardian, "b2@mail.example")
    assert bill_mails.send_receipt(payment, by=cast.DESK) is None
    assert not OutgoingEmail.objects.filter(kind=bill_mails.RECEIPT).exists()


def test_no_receipt_of_a_contact_who_was_removed_goes_to_the_client(bill: Invoice) -> None:
    guardian = cast.guardian(bill.client)
    payment = paid_by_card(cast.with_contact_access(guardian))
    correct_address(guardian, "b2@mail.example")
    contact_changes.end(guardian, by=cast.DESK)
    assert bill_mails.send_receipt(payment, by=cast.DESK) is None


@pytest.mark.parametrize("has_contact", [False, True])
def test_a_receipt_follows_the_client_to_their_new_address(bill: Invoice, *, has_contact: bool) -> None:
    own = access_lookups.access_of(bill.client)
    assert own is not None
    payment = paid_by_card(own)
    if has_contact:
        cast.with_contact_access(cast.guardian(bill.client))
    change_address(bill)
    receipt = bill_mails.send_receipt(payment, by=cast.DESK)
    assert receipt is not None
    assert receipt.to_address == bill.client.email_addresses.open().get().address != "ana@mail.example"
