"""Payments by card that need a look: what staff see of them, who lets go of one, and what follows."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import mismatch_mail, polling
from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt, SavedCard
from portico.domain.billing.stripe_sync import disputes, payments_in_review
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import team
from portico.gateways.stripe.objects import Dispute as DisputeAtStripe
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.clock import NOW
from tests.support.paying import Till, let_pay
from tests.web.open_pages import Tab
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]

PAYMENTS = "/office/payments/"
WHY = {"why": "Stripe shows no such payment", "words": ""}


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def biller(till: Till) -> Browser:
    return cast.signed_in(Browser(), cast.ines(till.practice))


def page(browser: Browser, address: str = PAYMENTS) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return plain(answer.content)


def mismatched(till: Till, person: Client) -> PaymentAttempt:
    """We asked for 150 dollars, Stripe was paid 140."""
    attempt = till.start(person, cast.bill(person))
    till.type_card(attempt)
    attempt.covers.update(amount_minor=15_000)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(amount_minor=15_000)
    polling.poll(loaded(attempt))
    return loaded(attempt)


def unknown(till: Till, person: Client) -> PaymentAttempt:
    """A saved card was charged and the answer was lost."""
    first = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(first)
    polling.poll(first)
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    return till.charge(person, SavedCard.objects.latest("id"), cast.bill(person))


def back(name: str = "Ines") -> Browser:
    """A staff member who signs in again later."""
    return cast.signed_in(Browser(), StaffMember.objects.get(name=name))


def loaded(attempt: PaymentAttempt) -> PaymentAttempt:
    return PaymentAttempt.objects.select_related("client__practice", "practice", "account", "card").get(pk=attempt.pk)


def releasing(attempt: PaymentAttempt) -> str:
    return f"/office/attempts/{attempt.ref}/releasing/"


def test_with_nothing_in_doubt_the_page_says_so_and_the_menu_counts_nothing(biller: Browser) -> None:
    assert "Nothing needs a look" in page(biller)
    assert "need a look" not in page(biller, "/office/clients/")


def test_what_does_not_match_is_shown_with_what_stripe_said_and_what_was_asked(
    till: Till, ana: Client, biller: Browser
) -> None:
    attempt = mismatched(till, ana)
    assert attempt.state == AttemptState.QUARANTINED
    text = page(biller)
    assert "It does not match: Ana Abreu" in text
    assert "Asked for $150.00 (USD), test mode" in text
    assert "Stripe says $140.00 (USD), test mode" in text
    assert (
        f"https://dashboard.stripe.com/test/payments/{attempt.payment_intent_id}"
        in biller.get(PAYMENTS).content.decode()
    )
    assert "1 need a look" in page(biller, "/office/clients/")
    assert "Card payments that need a look: 1" in page(biller, "/office/invoices/")
    assert "Card payments that need a look: 1" in page(biller, "/office/invoices/figures/")


def test_the_owners_are_told_by_mail_once_and_nobody_else(
    till: Till, ana: Client, biller: Browser, practice: Practice
) -> None:
    elm = cast.elm(practice)
    attempt = mismatched(till, ana)
    polling.poll(attempt)
    told = OutgoingEmail.objects.get(kind=mismatch_mail.KIND)
    assert (told.to_address, "Ana" in told.subject) == (elm.email, False)
    letter = outbox.composer("payment_mismatch").compose(told, None)
    assert "http://localhost:8000/office/payments/" in letter.text
    assert "Ana" not in letter.text + letter.html


def test_an_owner_who_left_meanwhile_is_not_told(till: Till, ana: Client, practice: Practice) -> None:
    elm, second = cast.elm(practice), cast.staff_member(practice, "Jo", Role.OWNER)
    mismatched(till, ana)
    team.deactivate(second, version=second.version, by=elm.actor)
    told = OutgoingEmail.objects.get(kind=mismatch_mail.KIND, to_address=second.email)
    assert outbox.composer("payment_mismatch").refuse(told) is not None


def test_unknown_for_minutes_is_only_told_and_unknown_for_a_day_can_be_released(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = unknown(till, ana)
    assert "Nothing needs a look" in page(biller)
    time_machine.move_to(NOW + timedelta(minutes=11))
    biller = back()
    assert "Stripe is still being asked" in page(biller)
    assert payments_in_review.count(till.practice) == 0
    assert biller.post(releasing(attempt), WHY).status_code == 409
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = back()
    assert "The outcome is not known: Ana Abreu" in page(biller)
    answer = Tab(biller, releasing(attempt)).press(WHY)
    assert "The payment was released." in plain(answer.content)
    invoice = Invoice.objects.with_attempts().latest("id")
    assert (loaded(attempt).state, invoice.is_attempted) == (AttemptState.RELEASED, False)
    entry = AuditEntry.objects.get(verb=AuditAction.PAYMENT_RELEASED)
    assert (entry.actor_name, entry.about) == ("Ines", attempt.ref)
    assert entry.details["reason"] == "Stripe shows no such payment"


def test_money_that_still_arrives_is_shown_as_waiting_to_be_refunded(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = unknown(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = back()
    Tab(biller, releasing(attempt)).press(WHY)
    polling.poll(loaded(attempt))
    payment = Payment.objects.get(attempt=attempt)
    text = page(biller)
    assert "Waiting to be refunded Ana Abreu $140.00" in text
    assert f"/office/payments/{payment.ref}/refund/" in biller.get(PAYMENTS).content.decode()


def test_nothing_is_released_without_a_reason_or_twice(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = mismatched(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = back()
    tab = Tab(biller, releasing(attempt))
    assert tab.press({"why": "other", "words": ""}).status_code == 422
    assert loaded(attempt).is_moving
    assert tab.press(WHY, follow=False).status_code == 302
    again = tab.press(WHY)
    assert "The outcome of this payment is known by now." in plain(again.content)
    assert AuditEntry.objects.filter(verb=AuditAction.PAYMENT_RELEASED).count() == 1


def test_the_desk_sees_it_and_cannot_release_it(
    till: Till, ana: Client, practice: Practice, time_machine: Traveller
) -> None:
    attempt = mismatched(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    desk = cast.signed_in(Browser(), cast.fay(practice))
    assert "It does not match" in page(desk)
    assert releasing(attempt) not in desk.get(PAYMENTS).content.decode()
    assert desk.post(releasing(attempt), WHY).status_code == 403
    assert loaded(attempt).is_moving


def test_a_dispute_is_shown_until_it_is_over_with_the_way_to_answer_it(
    till: Till, ana: Client, biller: Browser
) -> None:
    attempt = till.start(ana, cast.bill(ana))
    till.type_card(attempt)
    polling.poll(attempt)
    payment = Payment.objects.select_related("client__practice").get()
    found = DisputeAtStripe(
        id="dp_1",
        charge=payment.stripe_charge_id,
        intent=payment.payment_intent_id,
        amount_minor=14_000,
        currency="USD",
        livemode=False,
        status="needs_response",
        reason="fraudulent",
        created_at=NOW,
    )
    disputes.apply_dispute(payment, found)
    assert "Disputed" in page(biller)
    assert "Answer it at Stripe" in page(biller)
    disputes.apply_dispute(payment, replace(found, status="won"))
    assert "Nothing needs a look" in page(biller)


def test_the_payments_of_another_practice_are_nobodys_business(till: Till, ana: Client) -> None:
    mismatched(till, ana)
    stranger = cast.signed_in(Browser(), cast.elm(cast.birch()))
    assert "Nothing needs a look" in page(stranger)


def test_the_page_asks_the_same_few_queries_however_many_there_are(
    till: Till, ana: Client, biller: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mismatched(till, ana)
    for _number in range(2):
        with django_assert_num_queries(12):
            biller.get(PAYMENTS)
        mismatched(till, ana)


def test_online_payments_says_when_a_card_was_last_charged_and_what_is_processing(
    till: Till, ana: Client, practice: Practice
) -> None:
    owner = cast.signed_in_with_factor(Browser(), cast.elm(practice))
    assert "Last payment None yet" in page(owner, "/office/settings/payments/")
    unknown(till, ana)
    text = page(owner, "/office/settings/payments/")
    assert "Last payment Today, 12:20 PM" in text
    assert "Processing 1 payment" in text
