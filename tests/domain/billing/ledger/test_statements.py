"""Statements end with the client's balance, in the office and in the portal."""

from datetime import date, timedelta

import pytest

from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import balances, statements
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import AttemptState, Invoice, Payment
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def statement(person: Client, *, shared_only: bool, since: date | None = None, until: date | None = None) -> Statement:
    today = clock.today(person.practice.time_zone)
    return statements.statement_of(
        person,
        begins_on=since or today - timedelta(days=400),
        ends_on=until or today,
        today=today,
        shared_only=shared_only,
    )


def closing_balances(person: Client) -> tuple[int, int]:
    """Returns the closing balances of the office's and the portal's statements."""
    office = statement(person, shared_only=False).after_minor
    return office, statement(person, shared_only=True).balance_minor


def account_balances(person: Client) -> tuple[int, int]:
    return balances.office_account(person).office_minor, balances.portal_account(person).portal_minor


def create_all_kinds_of_movement(ana: Client) -> None:
    """Creates shared, hidden and void bills, payments, an overpayment, refunds and credit."""
    shared, hidden, void = cast.bill(ana, 14_000), cast.bill(ana, 9_000, shared=False), cast.bill(ana, 5_000)
    cast.cash(ana, 10_000, invoice=shared)
    for_hidden = cast.cash(ana, 9_000, invoice=hidden)
    for_void = cast.cash(ana, 5_000, invoice=void)
    refunds.record_manual_refund(for_hidden, amount_minor=2_000, reason="Too much", shown=None, by=cast.DESK)
    refunds.record_manual_refund(for_void, amount_minor=1_000, reason="Too much", shown=None, by=cast.DESK)
    invoicing.void(void, reason="Wrong day", shown=None, by=cast.DESK)
    account_credits.give(ana, amount_minor=700, reason="Goodwill", shown=None, by=cast.DESK)
    taken_back = cast.cash(ana, 300)
    manual_payments.take_back(taken_back, reason="Bounced", shown=None, by=cast.DESK)


def test_a_statement_ends_with_the_balance(ana: Client) -> None:
    create_all_kinds_of_movement(ana)
    assert closing_balances(ana) == account_balances(ana)


def test_processing_amounts_are_shown_separately(ana: Client) -> None:
    paid, _other = cast.bill(ana, 14_000), cast.bill(ana, 5_000)
    cast.attempt(paid, state=AttemptState.PROCESSING)
    shown = statement(ana, shared_only=True)
    assert (shown.after_minor, shown.processing_minor, shown.balance_minor) == (19_000, 14_000, 5_000)


def test_each_line_has_the_balance_after_it(ana: Client) -> None:
    bill = cast.bill(ana, 14_000)
    cast.cash(ana, 4_000, invoice=bill)
    entries = statement(ana, shared_only=True).entries
    assert [(type(entry.row), entry.sums.balance_minor, entry.balance_minor) for entry in entries] == [
        (Invoice, 14_000, 14_000),
        (Payment, -4_000, 10_000),
    ]


def test_a_period_begins_with_the_balance_before_it(ana: Client) -> None:
    today = clock.today(ana.practice.time_zone)
    cast.bill(ana, 14_000, due_on=today - timedelta(days=60))
    cast.bill(ana, 5_000)
    old = statement(ana, shared_only=True, since=today - timedelta(days=30))
    changes = [entry.sums.balance_minor for entry in old.entries]
    assert (old.before_minor, changes, old.after_minor) == (14_000, [5_000], 19_000)
    older = statement(ana, shared_only=True, until=today - timedelta(days=31))
    assert (older.after_minor, older.processing_minor) == (14_000, 0)


def test_an_unshared_bill_is_not_in_the_portals_statement(ana: Client) -> None:
    hidden = cast.bill(ana, 9_000, shared=False)
    assert statement(ana, shared_only=True).entries == ()
    invoice_sharing.share(hidden, shown=None, by=cast.DESK)
    assert len(statement(ana, shared_only=True).entries) == 1


def test_carols_bills_are_not_on_anas_statement(ana: Client, practice: Practice) -> None:
    cast.bill(cast.carol(practice), 9_000)
    assert statement(ana, shared_only=False).entries == ()
