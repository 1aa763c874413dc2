"""Random sequences of operations: the ledger verifies, and its balances equal those of an independent model.

The model is `Ledger` below: plain lists in memory, written from the specification and not from the code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from time_machine import Traveller

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import balances, practice_owed_total, statements, verification
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import Credit, Invoice, Payment
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.refusals import ExceedsRefundableAmount, HasRefunds, InvoicePaid, InvoiceVoid, TakenBack
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.at_random import at_random

AMOUNTS = st.integers(1, 400)
# No invoice is due before it is written; None means that it is never due.
DUE_IN_DAYS = st.one_of(st.none(), st.integers(0, 3))


@dataclass
class Bill:
    """An invoice in the model."""

    row: Invoice
    total: int
    due_on: date | None
    is_shared: bool = False
    is_void: bool = False
    credited: int = 0

    @property
    def age(self) -> tuple[date, int]:
        return self.due_on or date.max, self.row.pk


@dataclass
class Part:
    """An allocation to a bill; `is_meant` if the payment was recorded for that bill."""

    bill: Bill
    amount: int
    is_meant: bool


@dataclass
class Purse:
    """A payment or a credit in the model."""

    row: Payment | Credit
    amount: int
    returned: int = 0
    is_taken_back: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def unused(self) -> int:
        return 0 if self.is_taken_back else self.amount - self.returned - sum(part.amount for part in self.parts)


class Ledger:
    """The model: all bills and purses of one client, oldest first."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.purses: list[Purse] = []

    def paid(self, bill: Bill) -> int:
        return sum(part.amount for purse in self.purses for part in purse.parts if part.bill is bill)

    def open(self, bill: Bill) -> int:
        return bill.total - self.paid(bill) - bill.credited

    def balance(self, *, shared_only: bool) -> int:
        included = [bill for bill in self.bills if not bill.is_void and (bill.is_shared or not shared_only)]
        return sum(self.open(bill) for bill in included) - sum(purse.unused for purse in self.purses)

    def sums(self, *, shared_only: bool) -> Sums:
        """Returns the four sums. The portal excludes unshared invoices and the payments allocated to them."""
        standing = [bill for bill in self.bills if not bill.is_void]
        included = [bill for bill in standing if bill.is_shared or not shared_only]
        hidden = [bill for bill in standing if bill not in included]
        credited = sum(bill.credited for bill in hidden)
        counting = [purse for purse in self.purses if not purse.is_taken_back]
        payments_made = [purse for purse in counting if isinstance(purse.row, Payment)]
        given = sum(purse.amount for purse in counting if isinstance(purse.row, Credit))
        return Sums(
            invoiced_minor=sum(bill.total for bill in included),
            paid_minor=sum(purse.amount for purse in payments_made)
            - credited
            - sum(self.paid(bill) for bill in hidden),
            refunded_minor=sum(purse.returned for purse in payments_made) - credited,
            adjusted_minor=-given - sum(bill.credited for bill in included),
        )

    def spend(self) -> None:
        """Applies unused amounts to shared bills: earliest due date first, from the oldest purse."""
        shared = (bill for bill in self.bills if bill.is_shared and not bill.is_void)
        for bill in sorted(shared, key=lambda one: one.age):
            for purse in self.purses:
                amount = min(purse.unused, self.open(bill))
                if amount > 0:
                    purse.parts.append(Part(bill, amount, is_meant=False))

    def release(self, bill: Bill, *, also_meant: bool) -> None:
        """Removes allocations from the bill; those meant for it only with `also_meant`."""
        for purse in self.purses:
            purse.parts = [part for part in purse.parts if part.bill is not bill or (part.is_meant and not also_meant)]

    def refund(self, purse: Purse, amount: int) -> None:
        """Refunds the unused amount first, then the latest allocations; the bill is not owed again."""
        remaining = max(amount - purse.unused, 0)
        purse.returned += amount
        for part in reversed(purse.parts):
            taken = min(remaining, part.amount)
            part.amount -= taken
            part.bill.credited += taken
            remaining -= taken


class Books(RuleBasedStateMachine):
    """The books of one client, in Portico and in the model."""

    client: Client
    traveller: Traveller
    bills = Bundle("bills")
    payments = Bundle("payments")
    given = Bundle("given")

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.ledger = Ledger()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @rule(target=bills, total=AMOUNTS, due_in=DUE_IN_DAYS)
    def issue(self, total: int, due_in: int | None) -> Bill:
        today = clock.today(self.client.practice.time_zone)
        due_on = None if due_in is None else today + timedelta(days=due_in)
        entry = InvoiceInput(today, due_on, (LineInput("Session", total + 7), LineInput("Discount", -7)))
        row = invoicing.issue(invoicing.create_draft(self.client, entry, by=cast.DESK), shown=None, by=cast.DESK)
        bill = Bill(row, total, due_on)
        self.ledger.bills.append(bill)
        return bill

    @rule(bill=bills)
    def share(self, bill: Bill) -> None:
        if bill.is_void:
            with pytest.raises(InvoiceVoid):
                invoice_sharing.share(bill.row, shown=None, by=cast.DESK)
            return
        invoice_sharing.share(bill.row, shown=None, by=cast.DESK)
        bill.is_shared = True
        self.ledger.spend()

    @rule(bill=bills)
    def unshare(self, bill: Bill) -> None:
        invoice_sharing.unshare(bill.row, shown=None, by=cast.DESK)
        if not bill.is_void and bill.is_shared:
            self.ledger.release(bill, also_meant=False)
        bill.is_shared = False
        self.ledger.spend()

    @rule(bill=bills)
    def void(self, bill: Bill) -> None:
        invoicing.void(bill.row, reason="Created by mistake", shown=None, by=cast.DESK)
        self.ledger.release(bill, also_meant=True)
        bill.is_void = True
        self.ledger.spend()

    @rule(target=payments, amount=AMOUNTS)
    def cash(self, amount: int) -> Purse:
        return self._add(Purse(cast.cash(self.client, amount), amount))

    @rule(bill=bills, amount=AMOUNTS)
    def cash_for_a_bill(self, bill: Bill, amount: int) -> None:
        if bill.is_void or not self.ledger.open(bill):
            with pytest.raises(InvoiceVoid if bill.is_void else InvoicePaid):
                cast.cash(self.client, amount, invoice=bill.row)
            return
        meant = Part(bill, min(amount, self.ledger.open(bill)), is_meant=True)
        self._add(Purse(cast.cash(self.client, amount, invoice=bill.row), amount, parts=[meant]))

    @rule(target=given, amount=AMOUNTS)
    def credit(self, amount: int) -> Purse:
        row = account_credits.give(self.client, amount_minor=amount, reason="Goodwill", shown=None, by=cast.DESK)
        return self._add(Purse(row, amount))

    @rule(purse=payments)
    def take_back_cash(self, purse: Purse) -> None:
        assert isinstance(purse.row, Payment)
        if purse.returned and not purse.is_taken_back:
            with pytest.raises(HasRefunds):
                manual_payments.take_back(purse.row, reason="It bounced", shown=None, by=cast.DESK)
            return
        manual_payments.take_back(purse.row, reason="It bounced", shown=None, by=cast.DESK)
        self._take_back(purse)

    @rule(purse=consumes(given))
    def take_back_credit(self, purse: Purse) -> None:
        assert isinstance(purse.row, Credit)
        account_credits.take_back(purse.row, reason="A mistake", shown=None, by=cast.DESK)
        self._take_back(purse)

    @rule(purse=payments, amount=AMOUNTS)
    def refund_by_hand(self, purse: Purse, amount: int) -> None:
        assert isinstance(purse.row, Payment)
        if purse.is_taken_back or amount > purse.amount - purse.returned:
            with pytest.raises(TakenBack if purse.is_taken_back else ExceedsRefundableAmount):
                refunds.record_manual_refund(
                    purse.row, amount_minor=amount, reason="Too much", shown=None, by=cast.DESK
                )
            return
        refunds.record_manual_refund(purse.row, amount_minor=amount, reason="Too much", shown=None, by=cast.DESK)
        self.ledger.refund(purse, amount)

    @rule()
    def the_worker_includes_changes(self) -> None:
        practice_owed_total.include_changes()

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.traveller.shift(timedelta(days=days))

    @rule(days=st.integers(1, 60), lines=st.integers(1, 3), shared_only=st.booleans())
    def statements_follow_each_other(self, days: int, lines: int, *, shared_only: bool) -> None:
        """Checks consecutive statements in parts: each begins with the closing balance of the one before."""
        today = clock.today(self.client.practice.time_zone)
        ends_on, after = self.client.practice.created_at.date() - timedelta(days=1), 0
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(statements, "LINES_PER_PART", lines)
            while ends_on < today:
                begins_on, ends_on = ends_on + timedelta(days=1), min(ends_on + timedelta(days=days), today)
                for statement in self._parts(begins_on, ends_on, shared_only=shared_only):
                    assert statement.before_minor == after
                    assert statement.after_minor == statement.before_minor + statement.sums.balance_minor
                    assert not statement.entries or statement.entries[-1].balance_minor == statement.after_minor
                    after = statement.after_minor
        assert after == self.ledger.balance(shared_only=shared_only)

    def _parts(self, begins_on: date, ends_on: date, *, shared_only: bool) -> Iterator[Statement]:
        today, number, last = clock.today(self.client.practice.time_zone), 1, 1
        while number <= last:
            statement = statements.statement_of(
                self.client, begins_on=begins_on, ends_on=ends_on, today=today, shared_only=shared_only, part=number
            )
            number, last = number + 1, statement.parts
            yield statement

    @invariant()
    def the_ledger_verifies(self) -> None:
        # No two operations share a time: the age of an amount decides which is spent first.
        self.traveller.shift(timedelta(seconds=1))
        assert list(verification.mismatches()) == []

    @invariant()
    def the_model_agrees(self) -> None:
        rows = Invoice.objects.in_bulk()
        for bill in self.ledger.bills:
            row = rows[bill.row.pk]
            assert (row.paid_minor, row.credited_minor) == (self.ledger.paid(bill), bill.credited)
            assert row.is_paid == (not bill.is_void and self.ledger.open(bill) == 0)
        assert balances.office_account(self.client).office_minor == self.ledger.balance(shared_only=False)
        assert balances.portal_account(self.client).portal_minor == self.ledger.balance(shared_only=True)
        assert balances.office_account(self.client).sums == self.ledger.sums(shared_only=False)
        assert balances.portal_account(self.client).sums == self.ledger.sums(shared_only=True)
        for row in Invoice.objects.with_sums():
            assert row.sums.balance_minor == row.owed_minor
        assert balances.office_account(self.client).unused_minor == sum(purse.unused for purse in self.ledger.purses)

    def _add(self, purse: Purse) -> Purse:
        self.ledger.purses.append(purse)
        self.ledger.spend()
        return purse

    def _take_back(self, purse: Purse) -> None:
        purse.parts, purse.is_taken_back = [], True
        self.ledger.spend()


@pytest.fixture
def books(practice: Practice, stopped_clock: Traveller) -> Iterator[type[Books]]:
    Books.client, Books.traveller = cast.ana(practice), stopped_clock
    cast.with_access(Books.client)
    yield Books
    del Books.client, Books.traveller


def test_random_operations_keep_the_ledger_right(books: type[Books], pytestconfig: pytest.Config, share: int) -> None:
    """6 runs of 25 steps take about 5 seconds of one core."""
    run_state_machine_as_test(books, settings=at_random(pytestconfig, runs=3, whole_runs=6, steps=25))
