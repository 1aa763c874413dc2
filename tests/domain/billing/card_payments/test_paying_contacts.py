"""Contacts who pay for a client: their rights, their cards, their receipts."""

from collections.abc import Callable

import pytest

from portico.domain.access import access_grants, access_lookups, contact_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import SignInLink
from portico.domain.billing.card_payments import polling, saved_cards
from portico.domain.billing.card_payments.payment_refusals import CardsTurnedOff
from portico.domain.billing.models import AttemptState, Invoice, Payment
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.domain.billing.desk_sessions import fresh, state
from tests.support.card_payments import Till

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


@pytest.fixture
def bruno(ana: Client) -> Relationship:
    """Pays for Ana by card."""
    relationship = cast.guardian(ana, kind=RelationshipKind.PAYER)
    cast.with_contact_access(relationship)
    return relationship


def without_cards(relationship: Relationship) -> None:
    address = cast.entry_for_contact(relationship).address
    entry = AccessInput(enabled=True, address=address, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(relationship.client, entry, version=None, by=cast.DESK, relationship=relationship)


TAKEN_AWAY: dict[str, Callable[[Relationship], object]] = {
    "the option": without_cards,
    "the relationship": lambda relationship: contact_changes.end(relationship, by=cast.DESK),
}


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_rights_taken_away_expire_the_open_page(
    till: Till, ana: Client, bill: Invoice, bruno: Relationship, what: str
) -> None:
    attempt = till.start(ana, bill, relationship=bruno)
    assert not polling.expire_unwanted()
    TAKEN_AWAY[what](bruno)
    assert polling.expire_unwanted()
    assert polling.poll_next()
    assert state(attempt) == AttemptState.EXPIRED
    assert till.stripe.find("checkout.session", attempt.checkout_session_id)["status"] == "expired"


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_money_that_still_comes_is_settled(
    till: Till, ana: Client, bill: Invoice, bruno: Relationship, what: str
) -> None:
    attempt = till.start(ana, bill, relationship=bruno)
    till.type_card(attempt)
    TAKEN_AWAY[what](bruno)
    polling.expire_unwanted()
    assert polling.poll_next()
    assert fresh(bill).is_paid
    assert Payment.objects.get(attempt=attempt).account == attempt.account


def test_each_who_sees_bills_is_told_of_a_new_one(till: Till, ana: Client, bruno: Relationship) -> None:
    partner = cast.guardian(ana, "Maria", kind=RelationshipKind.PARTNER, address="maria@mail.example")
    cast.with_contact_access(partner)
    cast.bill(ana)
    mails = OutgoingEmail.objects.filter(kind="invoice_shared")
    assert sorted(mail.to_address for mail in mails) == ["ana@mail.example", "bruno@mail.example"]
    assert SignInLink.objects.filter(email__in=mails).count() == 2


def test_a_former_contact_starts_no_payment(till: Till, ana: Client, bill: Invoice, bruno: Relationship) -> None:
    payer = till.payer(ana, bruno)
    contact_changes.end(bruno, by=cast.DESK)
    with pytest.raises(CardsTurnedOff):
        till.start_as(payer, bill)


def test_the_payer_alone_gets_receipt_and_card(till: Till, ana: Client, bill: Invoice, bruno: Relationship) -> None:
    attempt = till.start(ana, bill, save=True, relationship=bruno)
    till.type_card(attempt)
    polling.poll(attempt)
    receipt = OutgoingEmail.objects.get(kind="receipt")
    assert (receipt.to_address, receipt.to_name) == ("bruno@mail.example", "Bruno Berg")
    own = access_lookups.access_of(ana)
    assert own is not None
    assert own.account is not None
    assert [card.last4 for card in saved_cards.saved_cards_of(attempt.account)] == ["4242"]
    assert saved_cards.saved_cards_of(own.account) == []
