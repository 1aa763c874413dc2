"""Amounts in currencies with other units at Stripe: charged exactly, or refused with a specific message."""

import pytest

from portico.domain.billing.card_payments import polling, quotes
from portico.domain.billing.card_payments.payment_refusals import BetweenSteps, RefundBetweenSteps
from portico.domain.billing.models import Invoice, Payment
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.clients.models import Client
from portico.plumbing.text import money
from tests import cast
from tests.domain.billing.desk_sessions import fresh, paid
from tests.support.card_payments import Till, let_pay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]


def billed(till: Till, currency: str, typed: str) -> Invoice:
    till.bill_in(currency)
    person: Client = let_pay(cast.ana(till.practice))
    return cast.bill(person, money.parsed(typed, currency))


@pytest.mark.parametrize(
    ("currency", "typed", "at_stripe"),
    [
        ("MGA", "5,000.00", 5_000),
        ("ISK", "5,000", 500_000),
        ("UGX", "50,000", 5_000_000),
        ("JPY", "5,000", 5_000),
        ("HUF", "5,000.45", 500_045),
        ("TWD", "800.45", 80_045),
        ("KWD", "12.340", 12_340),
        ("BHD", "0.500", 500),
    ],
)
def test_the_billed_amount_is_charged_and_refunded(till: Till, currency: str, typed: str, at_stripe: int) -> None:
    bill = billed(till, currency, typed)
    payment = paid(till, bill)
    assert [charge.amount for charge in till.book] == [at_stripe]
    assert (
        money.plain_decimal(payment.amount_minor, currency)
        == money.plain_decimal(bill.total_minor, currency)
        == typed.replace(",", "")
    )
    assert fresh(bill).is_paid
    card_refunds.send(payment, amount_minor=payment.amount_minor, reason="Paid twice", shown=None, by=cast.DESK)
    assert [charge.refunded for charge in till.book] == [at_stripe]


@pytest.mark.parametrize(
    ("currency", "typed", "step"), [("KWD", "12.345", "KWD\xa00.010"), ("MGA", "5,000.20", "1.00")]
)
def test_an_amount_between_two_steps_is_refused(till: Till, currency: str, typed: str, step: str) -> None:
    bill = billed(till, currency, typed)
    with pytest.raises(BetweenSteps, match="Call the practice") as refusal:
        till.start(bill.client, bill)
    assert step in str(refusal.value)
    assert till.book == ()


def test_two_bills_between_steps_are_paid_together(till: Till) -> None:
    bill = billed(till, "KWD", "12.345")
    cast.bill(bill.client, 12_345)
    attempt = till.start(bill.client)
    till.type_card(attempt)
    polling.poll(attempt)
    assert [charge.amount for charge in till.book] == [24_690]


def test_a_refund_between_two_steps_is_refused_before_it_counts(till: Till) -> None:
    payment = paid(till, billed(till, "KWD", "12.340"))
    with pytest.raises(RefundBetweenSteps, match="multiples of KWD"):
        card_refunds.send(payment, amount_minor=1_235, reason="Paid twice", shown=None, by=cast.DESK)
    assert Payment.objects.get().left_minor == 12_340


def test_each_reason_against_a_charge_has_its_message() -> None:
    reasons = [
        quotes.why_not_chargeable(*each)
        for each in ((49, "USD"), (100_000_000, "USD"), (12_345, "KWD"), (1_000, "CLF"), (14_000, "USD"))
    ]
    assert len(set(reasons)) == 5
    assert reasons[-1] == ""
    assert all("Call the practice" in reason for reason in reasons[:-1])
