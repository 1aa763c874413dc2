"""Paying a balance of hundreds of open invoices: within Stripe's limits, and fast."""

from copy import copy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given
from hypothesis import strategies as st

from portico.domain.billing.card_payments import polling, stripe_metadata
from portico.domain.billing.models import AttemptState, Invoice, InvoiceCounter, InvoiceLine, Payment, PaymentAttempt
from portico.domain.billing.payments import account_credits
from portico.domain.clients.models import Client
from portico.plumbing import tokens
from tests import cast
from tests.domain.billing.desk_sessions import event
from tests.support import card_payments
from tests.support.card_payments import Till

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.usefixtures("books_stay_right")]


def many_bills(person: Client, number: int) -> list[Invoice]:
    """Creates `number` shared invoices of 2.00 each, in bulk."""
    first = cast.bill(person, 200)
    line, last = first.lines.get(), first.number or 0
    invoices = [_copy(first, ref=tokens.new_ref(), number=last + each) for each in range(1, number)]
    Invoice.objects.bulk_create(invoices)
    InvoiceLine.objects.bulk_create(_copy(line, invoice=invoice) for invoice in invoices)
    InvoiceCounter.objects.filter(practice=person.practice).update(next_number=last + number)
    return [first, *invoices]


def _copy[Row: Invoice | InvoiceLine](row: Row, **changed: object) -> Row:
    other = copy(row)
    other.pk, other._state = None, copy(row._state)
    other._state.adding = True
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def test_a_balance_of_900_invoices_is_paid_with_few_queries(till: Till, ana: Client) -> None:
    bills = many_bills(ana, 900)
    with CaptureQueriesContext(connection) as start_queries:
        attempt = till.start(ana)
    assert len(attempt.metadata) <= 50
    till.type_card(attempt)
    with CaptureQueriesContext(connection) as poll_queries:
        assert polling.poll(attempt).state == AttemptState.SUCCEEDED
    assert not ana.invoices.payable().exists()
    assert [charge.amount for charge in till.book] == [200 * len(bills)]
    # The number of queries does not grow with the number of invoices.
    assert (len(start_queries) < 50, len(poll_queries) < 60) == (True, True)


def test_a_large_payment_is_restored_without_attempt(till: Till, ana: Client) -> None:
    many_bills(ana, 60)
    attempt = till.start(ana)
    till.type_card(attempt)
    (intent,) = till.stripe.account_data().all("payment_intent")
    attempt.covers.all().delete()
    PaymentAttempt.objects.filter(pk=attempt.pk).delete()
    card_payments.process(event(till, "payment_intent", intent["id"]))
    assert not ana.invoices.payable().exists()
    assert Payment.objects.get().still_unused_minor == 0


def test_invoices_beyond_metadata_limit_become_credit(till: Till, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_metadata, "MAX_VALUE_LENGTH", 25)
    monkeypatch.setattr(stripe_metadata, "MAX_KEYS", 6)
    many_bills(ana, 5)
    attempt = till.start(ana)
    assert attempt.metadata["portico_invoices_left_out"] == "3"
    till.type_card(attempt)
    (intent,) = till.stripe.account_data().all("payment_intent")
    attempt.covers.all().delete()
    PaymentAttempt.objects.filter(pk=attempt.pk).delete()
    card_payments.process(event(till, "payment_intent", intent["id"]))
    payment = Payment.objects.get()
    assert (payment.allocated_minor, payment.still_unused_minor) == (400, 600)
    assert "more invoices" in payment.refund_request_reason
    account_credits.keep_as_credit(payment, shown=None, by=cast.DESK)
    assert not ana.invoices.payable().exists()


@example([99_999_999] * 1_500)
@given(st.lists(st.integers(1, 99_999_999), min_size=1, max_size=1_500))
def test_metadata_fits_stripes_limits_and_round_trips(amounts: list[int]) -> None:
    invoices = [Invoice(total_minor=amount) for amount in amounts]
    metadata = stripe_metadata.build(attempt="a" * 16, account="b" * 16, client="c" * 16, invoices=invoices)
    assert len(metadata) <= 50
    assert all(len(name) <= 40 and len(value) <= 500 for name, value in metadata.items())
    parsed = stripe_metadata.parse(metadata)
    assert parsed is not None
    assert len(parsed.parts) + parsed.left_out == len(invoices)
    assert [(part.invoice, part.amount_minor) for part in parsed.parts] == [
        (invoice.ref, invoice.total_minor) for invoice in invoices[: len(parsed.parts)]
    ]
    assert parsed.left_out == 0 or len(parsed.parts) > 800
