"""Concurrent payments: an invoice is charged once; and what happens without each guard."""

from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, transaction

from portico.domain.billing.card_payments import polling, quotes
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.ledger import locks, verification
from portico.domain.billing.models import (
    AttemptInvoice,
    AttemptState,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
    ReceiptCounter,
    Refund,
    RefundState,
    SavedCard,
)
from portico.domain.billing.refusals import ExceedsRefundableAmount, InvoicePaid, Processing
from portico.domain.billing.stripe_sync import card_refunds
from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import payment_intents
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.refusals import Refused
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.card_payments import Till, let_pay

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

ROUNDS = 4


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def card(till: Till, ana: Client) -> SavedCard:
    attempt = till.start(ana, cast.bill(ana, 1_000), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    return SavedCard.objects.get()


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana)


def reloaded(invoice: Invoice) -> Invoice:
    return Invoice.objects.with_attempts().get(pk=invoice.pk)


def charges_of(till: Till) -> list[int]:
    """Returns the charges at the sandbox, beside the payment that saved the card."""
    return [each.amount for each in till.book if each.amount != 1_000]


@pytest.fixture(autouse=True)
def _books_are_right(request: pytest.FixtureRequest) -> object:
    yield
    if "without" not in request.node.name:
        assert list(verification.mismatches()) == []


# Many submissions of the same form.


def test_concurrent_card_payments_charge_once(till: Till, ana: Client, card: SavedCard) -> None:
    for number in range(ROUNDS):
        bill = cast.bill(ana, 14_000 + number)
        pressed = at_once(*[partial(till.charge, ana, card, bill)] * HANDS)
        assert sum(isinstance(each, PaymentAttempt) for each in pressed) >= 1
        assert set(errors(pressed)) <= {InvoicePaid, Processing}
        assert AttemptInvoice.objects.filter(invoice=bill).count() == 1
        assert reloaded(bill).is_paid
    assert charges_of(till) == [14_000 + number for number in range(ROUNDS)]


def test_concurrent_checkouts_open_one_page(till: Till, ana: Client) -> None:
    for number in range(ROUNDS):
        bill = cast.bill(ana, 14_000 + number)
        pressed = at_once(*[partial(till.start, ana, bill)] * HANDS)
        assert errors(pressed) == []
        assert len({each.checkout_url for each in pressed if isinstance(each, PaymentAttempt)}) == 1
        assert AttemptInvoice.objects.filter(invoice=bill).count() == 1
    assert len(till.stripe.account_data().all("checkout.session")) == ROUNDS


def test_without_the_lock_a_constraint_refuses_an_attempt(till: Till, bill: Invoice) -> None:
    both_have_looked = Barrier(2)

    def begin_without_lock() -> PaymentAttempt:
        with transaction.atomic():
            quote = quotes.of_invoice(bill)
            assert not AttemptInvoice.objects.filter(invoice=bill, is_open=True).exists()
            both_have_looked.wait(30)
            return cast.attempt(*quote.invoices)

    assert errors(at_once(begin_without_lock, begin_without_lock)) == [IntegrityError]


def test_without_a_committed_attempt_there_are_two_charges(
    till: Till, ana: Client, card: SavedCard, bill: Invoice
) -> None:
    both_have_looked = Barrier(2)

    def charge_without_row() -> PaymentIntent:
        """The twin: checks, charges with a random key, and saves the attempt afterwards."""
        assert not bill.attempts.filter(is_open=True).exists()
        line = payment_readiness.client_for(till.practice)
        both_have_looked.wait(30)
        return payment_intents.charge_card(
            line, amount_minor=14_000, currency="USD", name="Invoice 2", customer=card.customer.customer_id,
            card=card.payment_method_id, return_url="http://localhost/", metadata={}, key=tokens.new_token(),
        )  # fmt: skip

    assert errors(at_once(charge_without_row, charge_without_row)) == []
    assert charges_of(till) == [14_000, 14_000]


# The balance in one tab, one of its invoices in another.


def test_concurrent_balance_and_invoice_charge_once(till: Till, ana: Client, card: SavedCard) -> None:
    for _round in range(ROUNDS):
        taken = sum(charges_of(till))
        bill, other = cast.bill(ana), cast.bill(ana, 5_000)
        pressed = at_once(
            *[partial(till.charge, ana, card)] * (HANDS // 2), *[partial(till.charge, ana, card, bill)] * (HANDS // 2)
        )
        assert all(issubclass(each, Refused) for each in errors(pressed))
        if not reloaded(other).is_paid:  # The invoice was first, so the balance was refused.
            till.charge(ana, card)
        assert (reloaded(bill).is_paid, reloaded(other).is_paid) == (True, True)
        assert sum(charges_of(till)) - taken == 19_000
        for each in (bill, other):
            assert AttemptInvoice.objects.filter(invoice=each, attempt__state=AttemptState.SUCCEEDED).count() == 1


def test_only_one_of_overlapping_pages_can_be_paid(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        bill, other, before = cast.bill(ana), cast.bill(ana, 5_000), len(till.book)
        pressed = at_once(partial(till.start, ana), partial(till.start, ana, bill))
        assert all(issubclass(each, Refused) for each in errors(pressed))
        held = AttemptInvoice.objects.filter(invoice__in=[bill, other], is_open=True)
        assert len({each.attempt_id for each in held}) <= 1
        pages = [each for each in till.stripe.account_data().all("checkout.session") if each["status"] == "open"]
        assert len(pages) <= 1
        for page in pages:
            till.stripe.pay(page["id"])
            polling.poll(PaymentAttempt.objects.get(checkout_session_id=page["id"]))
        assert len(till.book) - before == len(pages)
        for left in (each for each in (bill, other) if not reloaded(each).is_paid):
            invoicing.void(left, reason="The next round begins", shown=None, by=cast.DESK)


# One charge, settled from several sides.


def test_concurrent_settlement_records_a_charge_once(till: Till, ana: Client) -> None:
    for number in range(ROUNDS):
        attempt = till.start(ana, cast.bill(ana, 14_000 + number))
        till.type_card(attempt)
        heard = at_once(*[partial(polling.poll, attempt)] * HANDS)
        assert [each.state for each in heard if isinstance(each, PaymentAttempt)] == [AttemptState.SUCCEEDED] * HANDS
    assert Payment.objects.count() == ROUNDS
    assert OutgoingEmail.objects.filter(kind="receipt").count() == ROUNDS


def test_without_the_lock_a_constraint_refuses_a_payment(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    (charge,) = till.book
    both_have_looked = Barrier(2)

    def book_without_lock() -> Payment:
        with transaction.atomic():
            assert not Payment.objects.filter(stripe_charge_id=charge.id).exists()
            both_have_looked.wait(30)
            return Payment.objects.create(
                practice=till.practice, client=ana, kind=PaymentKind.ONLINE, amount_minor=charge.amount,
                currency="USD", received_on=clock.today("UTC"), stripe_charge_id=charge.id, livemode=False,
                number=ReceiptCounter.objects.take_number(till.practice),
            )  # fmt: skip

    assert errors(at_once(book_without_lock, book_without_lock)) == [IntegrityError]


# Cash at the front desk, and a card.


def test_cash_and_card_never_both_pay_an_invoice(till: Till, ana: Client, card: SavedCard) -> None:
    for _round in range(ROUNDS):
        bill = cast.bill(ana)
        before = len(till.book)
        at_once(partial(till.charge, ana, card, bill), partial(cast.cash, ana, 14_000, invoice=bill))
        in_cash = bill.allocations.filter(payment__kind=PaymentKind.CASH).count()
        assert in_cash + len(till.book) - before == 1
        assert reloaded(bill).is_paid


def test_without_the_lock_cash_and_card_both_pay(till: Till, ana: Client, bill: Invoice) -> None:
    both_have_looked = Barrier(2)

    def start_without_lock() -> None:
        with transaction.atomic():
            assert not reloaded(bill).is_paid
            both_have_looked.wait(30)
            cast.attempt(bill)

    def take_without_lock() -> None:
        with transaction.atomic():
            locks.refuse_while_paying(bill)
            both_have_looked.wait(30)
            Invoice.objects.filter(pk=bill.pk).update(paid_minor=14_000)

    assert errors(at_once(start_without_lock, take_without_lock)) == []
    assert (reloaded(bill).is_paid, bill.attempts.filter(is_open=True).exists()) == (True, True)


# The same refund, submitted by several colleagues.


def test_a_concurrent_refund_is_sent_once(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.charge(ana, card, bill)
    send = partial(sent_back, Payment.objects.latest("id"), 4_000, form_key="one")
    assert errors(at_once(*[send] * HANDS)) == []
    assert (Refund.objects.count(), till.book[-1].refunded) == (1, 4_000)


def test_concurrent_refunds_do_not_exceed_the_payment(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.charge(ana, card, bill)
    send = partial(sent_back, Payment.objects.latest("id"), 14_000)
    assert set(errors(at_once(*[send] * HANDS))) == {ExceedsRefundableAmount}
    assert (Refund.objects.get().state, till.book[-1].refunded) == (RefundState.SUCCEEDED, 14_000)


def test_without_the_form_key_a_refund_is_sent_twice(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    till.charge(ana, card, bill)
    send = partial(sent_back, Payment.objects.latest("id"), 4_000)
    assert errors(at_once(send, send)) == []
    assert till.book[-1].refunded == 8_000


def sent_back(payment: Payment, amount_minor: int, form_key: str = "") -> Refund:
    return card_refunds.send(
        payment, amount_minor=amount_minor, reason="Paid twice", form_key=form_key, shown=None, by=cast.DESK
    )
