"""The portal as contacts of a client see it: their own things, and none of another person's."""

import pytest
from django.test import Client as Browser

from portico.domain.billing.models import Payment, PaymentKind, ReceiptCounter
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

PORTAL = "/portal/alder-street/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def paid_by(relationship: Relationship) -> Payment:
    """Records a card payment of the contact for a shared bill."""
    client = relationship.client
    account = cast.with_contact_access(relationship).account
    return Payment.objects.create(
        practice=client.practice,
        client=client,
        kind=PaymentKind.ONLINE,
        amount_minor=14_000,
        currency="USD",
        received_on=clock.today(client.practice.time_zone),
        number=ReceiptCounter.objects.take_number(client.practice),
        attempt=None,
        account=account,
        stripe_charge_id="ch_1",
        card_brand="visa",
        card_last4="4242",
    )


def test_a_payer_sees_bills_and_no_address_of_the_client(ana: Client) -> None:
    cast.with_access(ana)
    cast.bill(ana)
    browser = cast.contact_in_the_portal(Browser(), cast.guardian(ana, kind=RelationshipKind.PAYER))
    profile = browser.get(f"{PORTAL}profile/").text
    assert "Bruno Berg" in profile
    assert "ana@mail.example" not in profile
    assert "$140.00" in browser.get(f"{PORTAL}billing/").text


def test_a_partner_sees_no_bills(ana: Client) -> None:
    browser = cast.contact_in_the_portal(Browser(), cast.guardian(ana, kind=RelationshipKind.PARTNER))
    assert browser.get(f"{PORTAL}billing/").status_code == 404
    assert "Billing" not in browser.get(f"{PORTAL}home/").text


def test_a_guardian_does_not_see_the_other_ones_card(ana: Client) -> None:
    bruno, maria = cast.guardian(ana), cast.guardian(ana, "Maria", address="maria@mail.example")
    payment = paid_by(bruno)
    receipt = f"{PORTAL}receipts/{payment.ref}/"
    assert "4242" in cast.contact_in_the_portal(Browser(), bruno).get(receipt).text
    hers = cast.contact_in_the_portal(Browser(), maria)
    assert "4242" not in hers.get(receipt).text
    assert "4242" not in hers.get(f"{PORTAL}billing/statement/").text
    assert "4242" not in cast.in_the_portal(Browser(), ana).get(receipt).text


def test_a_client_with_a_new_address_still_sees_their_card(ana: Client) -> None:
    payment = paid_by(cast.guardian(cast.carol(ana.practice)))
    Payment.objects.filter(pk=payment.pk).update(client=ana)
    page = cast.in_the_portal(Browser(), ana).get(f"{PORTAL}receipts/{payment.ref}/").text
    assert "4242" in page


def test_a_guardians_sessions_are_their_own(ana: Client) -> None:
    bruno, maria = cast.guardian(ana), cast.guardian(ana, "Maria", address="maria@mail.example")
    cast.contact_in_the_portal(Browser(), bruno)
    page = cast.contact_in_the_portal(Browser(), maria).get(f"{PORTAL}profile/").text
    assert page.count("This device") == 1
    assert "Sign out everywhere else" not in page


def test_a_parent_of_two_chooses_the_child(practice: Practice, ana: Client) -> None:
    bruno = cast.guardian(ana)
    other = cast.client(practice, "Ben", "Berg")
    cast.with_contact_access(contacts.link(other, bruno.contact, "guardian", by=cast.DESK))
    browser = cast.contact_in_the_portal(Browser(), bruno)
    assert browser.get(f"{PORTAL}home/").headers["Location"].startswith(f"{PORTAL}who/")
    page = browser.get(f"{PORTAL}who/").text
    assert "Ana Abreu" in page
    assert "Ben Berg" in page


def test_the_language_is_that_of_the_contact(ana: Client) -> None:
    bruno = cast.guardian(ana)
    type(bruno.contact).objects.update(language="es")
    assert "Solicitar ayuda" in cast.contact_in_the_portal(Browser(), bruno).get(f"{PORTAL}home/").text
    assert not OutgoingEmail.objects.filter(to_address="ana@mail.example").exists()
