"""`portico verify-ledger` names every rule that does not hold, and ends with 1."""

import json
from collections.abc import Callable

import pytest
from django.db.models import F, QuerySet

from portico.domain.billing import refunding
from portico.domain.billing.models import (
    AttemptInvoice,
    AttemptState,
    CreditNote,
    Invoice,
    InvoiceLine,
    Payment,
    PaymentAttempt,
    Reversal,
)
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.operating.test_verifying import run


@pytest.fixture
def books(practice: Practice) -> None:
    """Something of everything."""
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.charged(cast.attempt(cast.bill(ana)))
    cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING)
    refunding.record_by_hand(
        cast.cash(ana, 9_000, invoice=cast.bill(ana)), amount_minor=2_000, reason="Price was wrong", by=cast.DESK
    )
    cast.cash(cast.carol(practice), 5_000)


def test_sound_books_are_called_sound(books: None) -> None:
    code, told = run("verify_ledger", "--json")
    answer = json.loads(told)
    assert (code, answer["sound"], answer["invoices"], answer["mismatches"]) == (0, True, 3, [])
    assert run("verify_ledger") == (0, "The books are sound: 3 invoices, 3 payments.\n")


def paid_invoices() -> QuerySet[Invoice]:
    return Invoice.objects.filter(paid_minor__gt=0)


@pytest.mark.parametrize(
    ("tampering", "rule"),
    [
        (lambda: paid_invoices().update(paid_minor=F("paid_minor") - 1), "paid is what allocations say"),
        (
            lambda: InvoiceLine.objects.update(unit_minor=F("unit_minor") + 1),
            "an invoice's total is the sum of its lines",
        ),
        (lambda: CreditNote.objects.update(amount_minor=1), "what a refund reverses it credits"),
        (lambda: Reversal.objects.update(amount_minor=1), "reversed is what reversals say"),
        (lambda: Payment.objects.update(currency="EUR"), "the books are in one currency"),
        (lambda: AttemptInvoice.objects.update(is_open=False), "an attempt holds its invoices while it is open"),
        (
            lambda: PaymentAttempt.objects.filter(state="processing").update(state="succeeded", ended_at=clock.now()),
            "a success has exactly one payment",
        ),
        (lambda: PaymentAttempt.objects.update(amount_minor=1), "an attempt asks for what it covers"),
    ],
)
def test_books_that_somebody_touched_are_found_out(books: None, tampering: Callable[[], object], rule: str) -> None:
    tampering()
    code, told = run("verify_ledger", "--json")
    rules = {each["rule"] for each in json.loads(told)["mismatches"]}
    assert code == 1
    assert rule in rules
    assert rule in run("verify_ledger")[1]
