"""Card payments in review: what staff see, who may release one, and the effects."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import mismatch_mail, polling
from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt, SavedCard
from portico.domain.billing.stripe_sync import disputes
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, Role, StaffMember
from portico.domain.practices.staff import team
from portico.gateways.stripe.objects import StripeDispute as DisputeAtStripe
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support import payment_outcomes
from tests.support.card_payments import Till, let_pay
from tests.support.clock import NOW
from tests.web.open_pages import Tab
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]

PAYMENTS = "/office/payments/"
WHY = {"why": "Payment not found in Stripe", "words": ""}


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
    """Returns an attempt for $150.00 of which Stripe received $140.00."""
    attempt = till.start(person, cast.bill(person))
    till.type_card(attempt)
    attempt.covers.update(amount_minor=15_000)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(amount_minor=15_000)
    polling.poll(reloaded(attempt))
    return reloaded(attempt)


def unknown(till: Till, person: Client) -> PaymentAttempt:
    """Returns an attempt whose charge on a saved card got no response."""
    first = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(first)
    polling.poll(first)
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    return till.charge(person, SavedCard.objects.latest("id"), cast.bill(person))


def signed_in_again(name: str = "Ines") -> Browser:
    """Signs the staff member in again, after the clock moved."""
    return cast.signed_in(Browser(), StaffMember.objects.get(name=name))


def reloaded(attempt: PaymentAttempt) -> PaymentAttempt:
    return PaymentAttempt.objects.select_related("client__practice", "practice", "account", "card").get(pk=attempt.pk)


def release_url(attempt: PaymentAttempt) -> str:
    return f"/office/attempts/{attempt.ref}/releasing/"


def test_an_empty_review_page_says_so(biller: Browser) -> None:
    assert "Nothing to review" in page(biller)
    assert "to review" not in page(biller, "/office/clients/")


def test_a_mismatch_shows_both_amounts(till: Till, ana: Client, biller: Browser) -> None:
    attempt = mismatched(till, ana)
    assert attempt.state == AttemptState.QUARANTINED
    text = page(biller)
    assert "Doesn’t match: Ana Abreu" in text
    assert "Requested $150.00 (USD), test mode" in text
    assert "In Stripe $140.00 (USD), test mode" in text
    assert (
        f"https://dashboard.stripe.com/test/payments/{attempt.payment_intent_id}"
        in biller.get(PAYMENTS).content.decode()
    )
    assert "1 to review" in page(biller, "/office/clients/")
    assert "Card payments to review: 1" in page(biller, "/office/invoices/")
    assert "Card payments to review: 1" in page(biller, "/office/invoices/figures/")


def test_only_owners_are_emailed_and_once(till: Till, ana: Client, biller: Browser, practice: Practice) -> None:
    elm = cast.elm(practice)
    attempt = mismatched(till, ana)
    polling.poll(attempt)
    email = OutgoingEmail.objects.get(kind=mismatch_mail.KIND)
    assert (email.to_address, "Ana" in email.subject) == (elm.email, False)
    letter = outbox.composer_of("payment_mismatch").compose(email, None)
    assert "http://localhost:8000/office/payments/" in letter.text
    assert "Ana" not in letter.text + letter.html


def test_a_deactivated_owner_gets_no_email(till: Till, ana: Client, practice: Practice) -> None:
    elm, second = cast.elm(practice), cast.staff_member(practice, "Jo", Role.OWNER)
    mismatched(till, ana)
    team.deactivate(second, version=second.version, by=elm.actor)
    email = OutgoingEmail.objects.get(kind=mismatch_mail.KIND, to_address=second.email)
    assert outbox.composer_of("payment_mismatch").refuse(email) is not None


def test_an_unknown_outcome_is_releasable_after_a_day(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = unknown(till, ana)
    assert "Nothing to review" in page(biller)
    time_machine.move_to(NOW + timedelta(minutes=11))
    biller = signed_in_again()
    assert "Waiting for Stripe" in page(biller)
    assert payment_outcomes.number_in_review(till.practice) == 0
    assert biller.post(release_url(attempt), WHY).status_code == 409
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = signed_in_again()
    assert "Not confirmed: Ana Abreu" in page(biller)
    answer = Tab(biller, release_url(attempt)).press(WHY)
    assert "The payment was released." in plain(answer.content)
    invoice = Invoice.objects.with_attempts().latest("id")
    assert (reloaded(attempt).state, invoice.attempts.filter(is_open=True).exists()) == (AttemptState.RELEASED, False)
    entry = AuditEntry.objects.get(action=AuditAction.PAYMENT_RELEASED)
    assert (entry.actor_name, entry.about) == ("Ines", attempt.ref)
    assert entry.details["reason"] == "Payment not found in Stripe"


def test_money_arriving_after_release_awaits_a_refund(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = unknown(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = signed_in_again()
    Tab(biller, release_url(attempt)).press(WHY)
    polling.poll(reloaded(attempt))
    payment = Payment.objects.get(attempt=attempt)
    text = page(biller)
    assert "To be refunded Ana Abreu $140.00" in text
    assert f"/office/payments/{payment.ref}/refund/" in biller.get(PAYMENTS).content.decode()


def test_releasing_needs_a_reason_and_happens_once(
    till: Till, ana: Client, biller: Browser, time_machine: Traveller
) -> None:
    attempt = mismatched(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    biller = signed_in_again()
    tab = Tab(biller, release_url(attempt))
    assert tab.press({"why": "other", "words": ""}).status_code == 422
    assert reloaded(attempt).is_moving
    assert tab.press(WHY, follow=False).status_code == 302
    repeated = tab.press(WHY)
    assert "Stripe has since confirmed this payment." in plain(repeated.content)
    assert AuditEntry.objects.filter(action=AuditAction.PAYMENT_RELEASED).count() == 1


def test_the_front_desk_cannot_release(till: Till, ana: Client, practice: Practice, time_machine: Traveller) -> None:
    attempt = mismatched(till, ana)
    time_machine.move_to(NOW + timedelta(hours=24))
    desk = cast.signed_in(Browser(), cast.fay(practice))
    assert "Doesn’t match" in page(desk)
    assert release_url(attempt) not in desk.get(PAYMENTS).content.decode()
    assert desk.post(release_url(attempt), WHY).status_code == 403
    assert reloaded(attempt).is_moving


def test_an_open_dispute_is_listed_with_a_link(till: Till, ana: Client, biller: Browser) -> None:
    attempt = till.start(ana, cast.bill(ana))
    till.type_card(attempt)
    polling.poll(attempt)
    payment = Payment.objects.select_related("client__practice").get()
    dispute = DisputeAtStripe(
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
    disputes.apply_dispute(payment, dispute)
    assert "Disputed" in page(biller)
    assert "Respond in Stripe" in page(biller)
    disputes.apply_dispute(payment, replace(dispute, status="won"))
    assert "Nothing to review" in page(biller)


def test_another_practices_payments_are_not_listed(till: Till, ana: Client) -> None:
    mismatched(till, ana)
    stranger = cast.signed_in(Browser(), cast.elm(cast.birch()))
    assert "Nothing to review" in page(stranger)


def test_the_page_takes_a_fixed_number_of_queries(
    till: Till, ana: Client, biller: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mismatched(till, ana)
    for _number in range(2):
        with django_assert_num_queries(8):
            biller.get(PAYMENTS)
        mismatched(till, ana)


def test_online_payments_shows_recent_charges(till: Till, ana: Client, practice: Practice) -> None:
    owner = cast.signed_in_with_factor(Browser(), cast.elm(practice))
    assert "Last payment None yet" in page(owner, "/office/settings/payments/")
    unknown(till, ana)
    text = page(owner, "/office/settings/payments/")
    assert "Last payment Today, 12:20 PM" in text
    assert "Processing 1 payment" in text
