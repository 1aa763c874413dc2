"""The list of payments: by day and method, with totals, filters, pages and a CSV file."""

import csv
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Payment, PaymentKind
from portico.domain.billing.payments import manual_payments, payment_list
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db
LIST = "/office/payments/list/"
# Session with staff member, the page, the totals, and the counts of the menu.
QUERIES = 4


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def received(client: Client, kind: PaymentKind, amount_minor: int, *, days_ago: int = 0) -> Payment:
    day = clock.today(client.practice.time_zone) - timedelta(days=days_ago)
    entry = PaymentInput(kind, amount_minor, day)
    return manual_payments.record(client, entry, shown=None, by=cast.DESK)


def sums_in(page: str, *, of: str) -> list[str]:
    """Returns the amounts of the elements with a test id."""
    return [part.partition('data-amount="')[2].partition('"')[0] for part in page.split(f'data-testid="{of}"')[1:]]


def test_payments_are_added_up_by_day_and_method(office: Browser, ana: Client) -> None:
    received(ana, PaymentKind.CASH, 1_000)
    received(ana, PaymentKind.CHECK, 2_000)
    received(ana, PaymentKind.CASH, 4_000, days_ago=1)
    received(ana, PaymentKind.CASH, 8_000, days_ago=30)
    page = office.get(LIST).text
    assert sums_in(page, of="payment-day") == ["3000", "4000"]
    assert sums_in(page, of="method-total") == ["5000", "2000"]
    assert sums_in(page, of="payments-total") == ["7000"]


def test_voided_payments_and_other_practices_are_not_listed(office: Browser, ana: Client) -> None:
    manual_payments.take_back(received(ana, PaymentKind.CASH, 1_000), reason="x", shown=None, by=cast.DESK)
    received(cast.dora(cast.birch()), PaymentKind.CASH, 2_000)
    assert "No payments in these days" in office.get(LIST).text


def test_days_and_method_filter_the_list_and_its_totals(office: Browser, ana: Client) -> None:
    check = received(ana, PaymentKind.CHECK, 2_000, days_ago=40)
    received(ana, PaymentKind.CASH, 4_000, days_ago=40)
    received(ana, PaymentKind.CHECK, 8_000, days_ago=41)
    day = check.received_on.isoformat()
    page = office.get(LIST, {"begins_on": day, "ends_on": day, "kind": "check"}).text
    assert sums_in(page, of="payment-row") == sums_in(page, of="payments-total") == ["2000"]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"begins_on": "2026-02-30"}, "date"),
        ({"begins_on": "2026-03-01", "ends_on": "2026-02-01"}, "Choose a last day that is not before the first."),
        ({"begins_on": "2020-01-01", "ends_on": "2026-01-01"}, "Choose at most one year."),
        ({"kind": "barter"}, "barter"),
    ],
)
def test_an_invalid_filter_shows_the_last_30_days(
    office: Browser, ana: Client, typed: dict[str, str], complaint: str
) -> None:
    received(ana, PaymentKind.CASH, 1_000)
    page = office.get(LIST, typed)
    assert page.status_code == 200
    assert complaint in page.text
    assert sums_in(page.text, of="payments-total") == ["1000"]


@pytest.mark.parametrize("before", ["", "unknown"])
def test_pages_follow_each_other_without_gap(
    office: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    made = [received(ana, PaymentKind.CASH, 1_000 + number, days_ago=number // 2) for number in range(5)]
    chosen = replace(payment_list.last_days(clock.today(ana.practice.time_zone)), kind=PaymentKind.CASH)
    monkeypatch.setattr(payment_list, "PAGE_SIZE", 2)
    seen: list[int] = []
    page = payment_list.page(ana.practice, chosen, before=before)
    while True:
        seen += [payment.amount_minor for payment in page.rows]
        if not page.next_ref:
            break
        page = payment_list.page(ana.practice, chosen, before=page.next_ref)
    assert seen == [1_001, 1_000, 1_003, 1_002, 1_004]
    assert len(made) == len(seen)
    assert office.get(LIST, {"before": before}).status_code == 200


def test_the_file_has_every_payment_and_is_logged(practice: Practice) -> None:
    biller = cast.signed_in(Browser(), cast.ines(practice))
    evil = cast.client(practice, "=HYPERLINK(1)", "Evil")
    received(evil, PaymentKind.HSA_FSA, 2_000)
    answer = biller.get(f"{LIST}file/")
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # Streaming.
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["Client"], row["Method"], row["Amount"]) for row in rows] == [
        ("'=HYPERLINK(1) Evil", "HSA/FSA card", "20.00")
    ]
    assert AuditEntry.objects.get(action=AuditAction.PAYMENTS_EXPORTED).details["number"] == 1


@pytest.mark.parametrize("number", [1, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for days_ago in range(number):
        received(cast.client(ana.practice, f"Nia {days_ago}"), PaymentKind.CASH, 1_000, days_ago=days_ago)
    with django_assert_num_queries(QUERIES):
        office.get(LIST)
