"""Card payments in every state, created without a call to Stripe."""

from datetime import timedelta

import pytest

from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import (
    AttemptMethod,
    AttemptState,
    Dispute,
    Payment,
    PaymentAttempt,
    PaymentKind,
    ReceiptCounter,
    Refund,
    SavedCard,
    StripeCustomer,
)
from portico.domain.billing.payments import refunds
from portico.domain.billing.stripe_sync import payments_in_review
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing import clock
from tests import cast
from tests.support.card_payments import let_pay

ENDED = (AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.RELEASED)


def ready_to_pay(person: Client) -> SavedCard:
    """Turns card payments on for the practice and the person; returns a saved card."""
    api_keys.save_unchecked(person.practice, Keys("sk_test_demo", "whsec_demo"), by=cast.DESK)
    account = let_pay(person).portal_access.account or pytest.fail("No mailbox.")
    customer = StripeCustomer.objects.create(
        practice=person.practice,
        account=account,
        stripe_account_id=api_keys.UNASKED,
        livemode=False,
        customer_id=f"cus_{person.ref}",
    )
    return SavedCard.objects.create(
        practice=person.practice,
        account=account,
        customer=customer,
        payment_method_id=f"pm_{person.ref}",
        brand="visa",
        last4="4242",
        expires_month=9,
        expires_year=2034,
        consent_text="Save Card",
        consented_at=clock.now(),
    )


def attempts_of_each_state(card: SavedCard, person: Client) -> list[PaymentAttempt]:
    """Returns an attempt in each state, each with its own invoice.

    They are leased, so no worker fetches them from Stripe.
    """
    begun = [cast.attempt(cast.bill(person, 1_000 * number)) for number in range(1, 9)]
    later = clock.now() + timedelta(hours=1)
    left, at_bank, processing, doubtful, *ended, paid = begun
    rows = PaymentAttempt.objects.filter(pk__in=[each.pk for each in begun])
    rows.update(lease_until=later, checkout_url="http://localhost/c/pay/cs_test_1")
    rows.filter(pk=at_bank.pk).update(method=AttemptMethod.SAVED_CARD, card=card, bank_url="http://localhost/bank/pi_1")
    rows.filter(pk=processing.pk).update(method=AttemptMethod.SAVED_CARD, card=card, state=AttemptState.PROCESSING)
    rows.filter(pk=doubtful.pk).update(state=AttemptState.QUARANTINED, reason="amount")
    for attempt, state in zip(ended, ENDED, strict=True):
        allocation.end_attempt(attempt, state, reason="insufficient_funds", by=cast.DESK)
    cast.charged(paid)
    return [left, *rows.exclude(pk=left.pk).order_by("pk")]


def refunded_in_part(person: Client) -> Refund:
    """Returns a manual refund of part of a cash payment."""
    bill = cast.bill(person)
    payment = cast.cash(person, 14_000, invoice=bill)
    return refunds.record_manual_refund(payment, amount_minor=4_000, reason="Wrong price", shown=None, by=cast.DESK)


def payments_in_doubt(person: Client) -> PaymentAttempt:
    """Creates a payment in review of each kind; returns the attempt that does not match, which can be released.

    They are leased, so no worker fetches them from Stripe.
    """
    now = clock.now()
    waits = cast.attempt(cast.bill(person), state=AttemptState.QUARANTINED)
    unknown = cast.attempt(cast.bill(person), state=AttemptState.PROCESSING)
    lately = cast.attempt(cast.bill(person), state=AttemptState.PROCESSING)
    rows = PaymentAttempt.objects.filter(pk__in=[waits.pk, unknown.pk, lately.pk])
    rows.update(lease_until=now + timedelta(hours=1), unknown_since=now - timedelta(days=2))
    rows.filter(pk=waits.pk).update(found_minor=15_000, found_currency="USD", found_livemode=False)
    rows.filter(pk=lately.pk).update(unknown_since=now - timedelta(hours=2))
    paid = cast.charged(cast.attempt(cast.bill(person)))
    with locks.lock_books(person) as held:
        Payment.objects.create(
            practice=held.practice,
            client=held,
            kind=PaymentKind.ONLINE,
            amount_minor=6_000,
            currency="USD",
            received_on=clock.today(held.practice.time_zone),
            number=ReceiptCounter.objects.take_number(held.practice),
            stripe_charge_id=f"ch_{waits.ref}",
            card_brand="visa",
            card_last4="4242",
            refund_requested_at=now,
            refund_request_reason="Paid twice.",
        )
    Dispute.objects.create(
        practice=person.practice, payment=paid, stripe_dispute_id=f"dp_{waits.ref}", amount_minor=14_000, currency="USD"
    )
    return waits


def number_in_review(practice: Practice) -> int:
    """Returns the number of payments that the office menu counts."""
    counts = payments_in_review.counts(practice, **payments_in_review.bounds())
    return sum(Practice.objects.filter(pk=practice.pk).values_list(*counts)[0])
