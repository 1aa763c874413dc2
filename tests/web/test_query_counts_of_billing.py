"""Billing pages use a constant number of queries."""

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from portico.domain.billing.ledger import allocation
from portico.domain.billing.models import AttemptState, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support import payment_outcomes
from tests.support.card_payments import let_pay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PORTAL = "/portal/alder-street/"
FEW, MANY = 2, 5


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def card(ana: Client) -> SavedCard:
    """A practice that takes cards, with a saved card of Ana."""
    return payment_outcomes.ready_to_pay(ana)


def paid_by_card(ana: Client, pieces: int) -> PaymentAttempt:
    """Creates a number of invoices."""
    attempt = cast.attempt(*[cast.bill(ana, 1_000 + piece) for piece in range(pieces)])
    cast.charged(attempt)
    return attempt


def declined(ana: Client, count: int) -> PaymentAttempt:
    attempt = cast.attempt(*[cast.bill(ana, 1_000 + index) for index in range(count)])
    return allocation.end_attempt(attempt, AttemptState.FAILED, reason="insufficient_funds", by=cast.DESK)


def more_cards(card: SavedCard, count: int) -> None:
    for _index in range(count):
        card.pk = None
        card.ref, card.payment_method_id = (
            f"{card.ref[:-3]}{SavedCard.objects.count():03}",
            f"{card.payment_method_id}x",
        )
        card.save(force_insert=True)


def counts(browser: Browser, places: dict[str, str]) -> dict[str, int]:
    """Opens each page once before counting: the first view of an invoice is recorded."""
    found = {}
    for name, place in places.items():
        assert browser.get(place).status_code == 200, name
        with CaptureQueriesContext(connection) as queries:
            browser.get(place)
        found[name] = len(queries)
    return found


def test_portal_pages_have_constant_query_counts(ana: Client, card: SavedCard) -> None:
    portal = cast.in_the_portal(Browser(), ana)
    let_pay(ana)
    for count in (FEW, MANY):
        more_cards(card, count)
        paid, refused, bill = paid_by_card(ana, count), declined(ana, count), cast.bill(ana, 9_000)
        for _index in range(count):
            cast.cash(ana, 100, invoice=bill)
        places = {
            "Billing & Payments": f"{PORTAL}billing/",
            "an invoice": f"{PORTAL}billing/{bill.ref}/",
            "paying one": f"{PORTAL}billing/{bill.ref}/payment/",
            "paying the balance": f"{PORTAL}billing/payment/",
            "the way back, paid": f"{PORTAL}payments/{paid.ref}/",
            "the way back, declined": f"{PORTAL}payments/{refused.ref}/",
            "a receipt": f"{PORTAL}receipts/{paid.payment.ref}/",
            "the statement": f"{PORTAL}billing/statement/",
        }
        assert counts(portal, places) == {
            "Billing & Payments": 4,
            "an invoice": 5,
            "paying one": 4,
            "paying the balance": 4,
            "the way back, paid": 6,
            "the way back, declined": 3,
            "a receipt": 3,
            "the statement": 6,
        }


def test_office_pages_have_constant_query_counts(ana: Client, card: SavedCard) -> None:
    owner = cast.signed_in_with_factor(Browser(), cast.elm(ana.practice))
    for count in (FEW, MANY):
        more_cards(card, count)
        paid, bill = paid_by_card(ana, count), cast.bill(ana, 9_000)
        for _index in range(count):
            cast.cash(ana, 100, invoice=bill)
            payment_outcomes.payments_in_doubt(ana)
        one = f"/office/clients/{ana.ref}/"
        places = {
            "the Billing tab": f"{one}billing/",
            "the list": "/office/invoices/",
            "the figures": "/office/invoices/figures/",
            "an invoice": f"/office/invoices/{bill.ref}/",
            "payments that need a look": "/office/payments/",
            "a receipt": f"/office/payments/{paid.payment.ref}/receipt/",
            "the statement": f"{one}billing/statement/",
            "a refund": f"/office/payments/{paid.payment.ref}/refund/",
        }
        assert counts(owner, places) == {
            "the Billing tab": 14,
            "the list": 6,
            "the figures": 10,
            "an invoice": 11,
            "payments that need a look": 8,
            "a receipt": 5,
            "the statement": 9,
            "a refund": 3,
        }
