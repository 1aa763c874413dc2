"""Going live: listing and removing test payments, with correct books before and after."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import polling
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import DisputeState, Invoice, Payment, Refund, RefundState
from portico.domain.billing.stripe_sync import card_refunds, disputes, going_live
from portico.domain.clients.models import Client
from portico.domain.practices.models import CardState, Practice
from portico.gateways.stripe.objects import StripeDispute as DisputeAtStripe
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.cast import DESK
from tests.support.card_payments import Till, let_pay
from tests.support.clock import NOW
from tests.web.open_pages import Tab
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]

PAYMENTS = "/office/settings/payments/"
TESTS = f"{PAYMENTS}tests/"
LIVE = {"secret_key": "sk_live_demo", "webhook_secret": ""}


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def owner(till: Till) -> Browser:
    return cast.signed_in_with_factor(Browser(), cast.elm(till.practice))


def paid(till: Till, person: Client, amount_minor: int = 14_000) -> Payment:
    """Returns the payment of an invoice with a test card."""
    attempt = till.start(person, cast.bill(person, amount_minor))
    till.type_card(attempt)
    polling.poll(attempt)
    return Payment.objects.select_related("client__practice", "attempt", "practice").get(attempt=attempt)


def test_a_live_key_is_refused_while_tests_remain(till: Till, ana: Client, owner: Browser, practice: Practice) -> None:
    paid(till, ana)
    answer = owner.post(f"{PAYMENTS}keys/", LIVE)
    assert answer.status_code == 422
    assert "There are test payments on record." in plain(answer.content)
    assert f'href="{TESTS}"' in answer.content.decode()
    practice.refresh_from_db()
    assert practice.card_state == CardState.TEST


def test_another_test_key_is_accepted(till: Till, ana: Client, owner: Browser) -> None:
    paid(till, ana)
    assert owner.post(f"{PAYMENTS}keys/", {"secret_key": "sk_test_demo", "webhook_secret": ""}).status_code == 302


def test_removing_test_payments_reopens_invoices(till: Till, ana: Client, owner: Browser, practice: Practice) -> None:
    carol = let_pay(cast.carol(practice))
    first, second = paid(till, ana), paid(till, carol, 5_000)
    text = plain(owner.get(TESTS).content)
    for words in ("2 payments totaling $190.00", "Ana Abreu", "Carol Cole"):
        assert words in text
    mails = OutgoingEmail.objects.count()
    answer = Tab(owner, TESTS).press()
    assert "2 test payments were removed. Their invoices are unpaid again." in plain(answer.content)
    assert [invoice.open_minor for invoice in Invoice.objects.order_by("id")] == [14_000, 5_000]
    assert [balances.portal_account(person).portal_minor for person in (ana, carol)] == [14_000, 5_000]
    for payment in (first, second):
        payment.refresh_from_db()
        assert (payment.is_taken_back, payment.taken_back_reason) == (True, "A test payment: no real money")
    assert OutgoingEmail.objects.count() == mails
    assert owner.post(f"{PAYMENTS}keys/", LIVE).status_code == 302
    practice.refresh_from_db()
    assert practice.card_state == CardState.LIVE


def test_removing_is_logged_once_and_repeatable(till: Till, ana: Client, owner: Browser) -> None:
    payment = paid(till, ana)
    tab = Tab(owner, TESTS)
    tab.press()
    repeated = tab.press()
    assert "There are no test payments." in plain(repeated.content)
    entry = AuditEntry.objects.get(action=AuditAction.TESTS_TAKEN_OUT)
    assert (entry.details, entry.actor_name) == ({"payments": 1}, "Dr. Naomi Elm")
    assert AuditEntry.objects.get(action=AuditAction.PAYMENT_TAKEN_BACK).about == payment.ref


def test_test_refunds_and_disputes_are_undone_too(till: Till, ana: Client) -> None:
    refunded, disputed = paid(till, ana), paid(till, ana, 9_000)
    card_refunds.send(refunded, amount_minor=4_000, reason="Too much", note="", form_key="", shown=None, by=DESK)
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    dispute = DisputeAtStripe(
        id="dp_1",
        charge=disputed.stripe_charge_id,
        intent=disputed.payment_intent_id,
        amount_minor=9_000,
        currency="USD",
        livemode=False,
        status="lost",
        reason="fraudulent",
        created_at=NOW,
    )
    disputes.apply_dispute(disputed, dispute)
    assert disputed.disputes.get().state == DisputeState.LOST
    assert going_live.remove_test_payments(till.practice, shown=None, by=DESK) == 2
    assert [(each.paid_minor, each.credited_minor, each.open_minor) for each in Invoice.objects.order_by("id")] == [
        (0, 0, 14_000),
        (0, 0, 9_000),
    ]
    assert balances.office_account(ana).office_minor == 23_000


def test_polling_a_removed_payment_changes_nothing(till: Till, ana: Client) -> None:
    payment = paid(till, ana)
    going_live.remove_test_payments(till.practice, shown=None, by=DESK)
    assert payment.attempt is not None
    polling.poll(payment.attempt)
    assert Payment.objects.count() == 1
    assert balances.office_account(ana).office_minor == 14_000


def test_manual_payments_stay_and_pay_the_invoices(till: Till, ana: Client) -> None:
    paid(till, ana)
    cast.cash(ana, 6_000)
    going_live.remove_test_payments(till.practice, shown=None, by=DESK)
    invoice = Invoice.objects.get()
    assert (invoice.paid_minor, invoice.open_minor) == (6_000, 8_000)
    assert Payment.objects.not_taken_back().get().amount_minor == 6_000


def test_the_client_sees_the_bill_unpaid_again(till: Till, ana: Client) -> None:
    payment = paid(till, ana)
    portal = cast.in_the_portal(Browser(), ana)
    receipt = f"/portal/alder-street/receipts/{payment.ref}/"
    assert portal.get(receipt).status_code == 200
    going_live.remove_test_payments(till.practice, shown=None, by=DESK)
    assert portal.get(receipt).status_code == 404
    assert 'data-status="unpaid"' in portal.get("/portal/alder-street/billing/").content.decode()


def test_another_practices_test_payments_stay(till: Till, ana: Client) -> None:
    paid(till, ana)
    assert going_live.remove_test_payments(cast.birch(), shown=None, by=DESK) == 0
    assert Invoice.objects.get().is_paid


def test_the_list_takes_a_fixed_number_of_queries(
    till: Till, ana: Client, owner: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    paid(till, ana)
    owner.get(TESTS)
    for _number in range(2):
        with django_assert_num_queries(4):
            owner.get(TESTS)
        paid(till, ana)


def test_removing_needs_recent_authentication(
    till: Till, ana: Client, owner: Browser, stopped_clock: Traveller
) -> None:
    paid(till, ana)
    stopped_clock.shift(timedelta(minutes=11))
    answer = owner.post(TESTS)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/office/prove/")
    assert Payment.objects.not_taken_back().count() == 1
