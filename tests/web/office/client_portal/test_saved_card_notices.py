"""Saved cards stay with the old mailbox when the sign-in address changes, and staff are told so."""

from html import unescape

import pytest
from django.test import Client as Browser

from portico.domain.access import client_changes
from portico.domain.billing.card_payments import payment_initiation, polling, saved_cards
from portico.domain.billing.card_payments.payment_refusals import CardNotFound, CardsTurnedOff
from portico.domain.billing.card_payments.quotes import PaymentOrder
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from tests import cast
from tests.support.card_payments import Till, let_pay, signed_in_to_pay
from tests.web.office.form_data import address, client_info, said

pytestmark = pytest.mark.django_db

ANAS, NEW = "ana@mail.example", "ana@new.example"
BILLING = "/portal/alder-street/billing/"
STAYS = "Visa ending 4242 was saved with ana@mail.example and can’t be used to pay for Ana now."
BEFOREHAND = "Visa ending 4242 was saved with ana@mail.example"


@pytest.fixture
def card(till: Till) -> SavedCard:
    """Ana's card, saved when she paid an invoice."""
    return kept_by(till, let_pay(cast.ana(till.practice)))


@pytest.fixture
def ana(card: SavedCard) -> Client:
    return Client.objects.get(first_name="Ana")


@pytest.fixture
def bill(ana: Client) -> Invoice:
    """Ana's next unpaid invoice."""
    return cast.bill(ana)


def kept_by(till: Till, person: Client) -> SavedCard:
    attempt = till.start(person, cast.bill(person, 5_000), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    return SavedCard.objects.latest("id")


def moved(person: Client, typed: str = NEW) -> None:
    """Replaces the sign-in address on `Client Info`."""
    row = person.email_addresses.open().get()
    entry = ClientInput(
        ClientDetails(first_name=person.first_name, last_name=person.last_name),
        addresses=(AddressInput(typed, "home", email_ok=True, ref=row.ref),),
    )
    client_changes.save_client_info(person, entry, version=Client.objects.get(pk=person.pk).version, by=cast.DESK)


def info(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/info/"


def tab(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def read(browser: Browser, place: str) -> str:
    return unescape(said(browser, place))


# Notices where staff change the address.


def test_client_info_shows_both_notices(office: Browser, ana: Client) -> None:
    assert BEFOREHAND in read(office, info(ana))
    ref = ana.email_addresses.get().ref
    saved = office.post(info(ana), client_info(ana, address(NEW, was=ref)), follow=True)
    assert STAYS in unescape(saved.content.decode())
    # The new address has no cards.
    assert "was saved with" not in read(office, info(ana))


def test_removing_the_address_shows_the_notice(office: Browser, ana: Client) -> None:
    saved = office.post(info(ana), client_info(ana), follow=True)
    assert STAYS in unescape(saved.content.decode())


@pytest.mark.parametrize("action", ["save", "send"])
def test_portal_tab_shows_both_notices(office: Browser, ana: Client, action: str) -> None:
    first = ana.email_addresses.get()
    office.post(info(ana), client_info(ana, address(ANAS, was=first.ref), address(NEW)))
    second = ana.email_addresses.get(address=NEW)
    page = read(office, tab(ana))
    assert BEFOREHAND in page
    assert 'aria-describedby="address-hint cards-hint"' in page
    form = {
        "enabled": "on", "address": second.ref, "access_billing_documents": "on", "pay_by_card": "on",
        "subject": "Welcome", "message": "Hello", "form_key": "k" * 43, "action": action,
        "version": str(ana.portal_access.version),
    }  # fmt: skip
    assert STAYS in unescape(office.post(tab(ana), form, follow=True).content.decode())
    assert "cards-hint" not in said(office, tab(ana))


def test_billing_tab_names_the_cards_mailbox(office: Browser, ana: Client) -> None:
    place = f"/office/clients/{ana.ref}/billing/"
    assert "Only the client can use or remove this card." in said(office, place)
    moved(ana)
    page = read(office, place)
    assert "Visa ending 4242" in page
    assert "Saved with ana@mail.example, which is no longer used to sign in for Ana" in page
    assert "Only the client can use" not in page


def test_other_spelling_of_the_mailbox_keeps_the_card(
    office: Browser, till: Till, card: SavedCard, ana: Client
) -> None:
    ref = ana.email_addresses.get().ref
    saved = office.post(info(ana), client_info(ana, address("Ana@Mail.example", was=ref)), follow=True)
    assert "can’t be used" not in unescape(saved.content.decode())
    assert saved_cards.usable_cards(till.payer(ana).account, ana.practice) == [card]


def test_no_notice_without_a_card(office: Browser, till: Till) -> None:
    carol = let_pay(cast.carol(till.practice))
    ref = carol.email_addresses.get().ref
    assert "was saved with" not in said(office, info(carol)) + said(office, tab(carol))
    saved = office.post(info(carol), client_info(carol, address(NEW, was=ref)), follow=True)
    assert "was saved with" not in unescape(saved.content.decode())


# Payments afterwards.


def test_new_address_cannot_use_the_card(
    client: Browser, till: Till, card: SavedCard, ana: Client, bill: Invoice
) -> None:
    moved(ana)
    browser = signed_in_to_pay(client, ana)
    assert "saved-card" not in said(browser, BILLING)
    page = said(browser, f"{BILLING}{bill.ref}/payment/")
    assert "4242" not in page
    assert card.ref not in page
    charged = len(till.book)
    for place in (f"{BILLING}{bill.ref}/payment/", f"{BILLING}payment/"):
        refused = browser.post(place, {"with": card.ref, "pay": "saved", "amount": "14000"})
        assert refused.status_code == 422
        assert "This card is no longer saved." in refused.content.decode()
    assert browser.post(f"/portal/alder-street/cards/{card.ref}/removing/").status_code == 404
    with pytest.raises(CardNotFound):
        till.charge(ana, card, bill)
    assert len(till.book) == charged
    assert not PaymentAttempt.objects.holding_invoices().exists()


def test_open_pay_page_of_the_old_address_charges_nothing(
    client: Browser, till: Till, card: SavedCard, ana: Client, bill: Invoice
) -> None:
    browser = signed_in_to_pay(client, ana)
    place = f"{BILLING}{bill.ref}/payment/"
    assert card.ref in said(browser, place)
    payer, charged = till.payer(ana), len(till.book)
    moved(ana)
    answer = browser.post(place, {"with": card.ref, "pay": "saved", "amount": "14000"})
    assert answer["Location"].startswith("/portal/alder-street/")
    # The operation checks again under the lock.
    with pytest.raises(CardsTurnedOff):
        payment_initiation.start_payment(payer, PaymentOrder(bill, card))
    assert len(till.book) == charged


def test_card_works_again_with_the_old_address(till: Till, card: SavedCard, ana: Client, bill: Invoice) -> None:
    moved(ana)
    assert saved_cards.detach_removed() == 0
    moved(ana, ANAS)
    paid = till.charge(ana, card, bill)
    assert polling.poll(paid).state == AttemptState.SUCCEEDED


def test_parents_card_stays_with_the_parent(office: Browser, till: Till) -> None:
    bruno, bea = let_pay(cast.bruno(till.practice)), let_pay(cast.bea(till.practice))
    card = kept_by(till, bea)
    ref = bea.email_addresses.get().ref
    saved = office.post(info(bea), client_info(bea, address("bea@mail.example", was=ref)), follow=True)
    assert "was saved with bruno@mail.example and can’t be used to pay for Bea now." in unescape(saved.content.decode())
    with pytest.raises(CardNotFound):
        till.charge(bea, card, cast.bill(bea))
    assert till.charge(bruno, card, cast.bill(bruno)).state == AttemptState.SUCCEEDED


def test_pending_charge_settles_as_usual(till: Till, card: SavedCard, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    under_way = till.charge(ana, card, bill)
    assert under_way.state == AttemptState.PROCESSING
    moved(ana)
    assert polling.poll(under_way).state == AttemptState.SUCCEEDED
    bill.refresh_from_db()
    assert bill.is_paid
