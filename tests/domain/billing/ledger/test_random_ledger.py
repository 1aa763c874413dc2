"""Whatever order things happen in, the ledger agrees and the balances are what a second bookkeeper says they are.

The second bookkeeper is `Ledger` below: plain lists in memory, written from the promises and not from the code.
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
from portico.domain.billing.ledger import balances, statements, verification
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
# As a first invoice is never due before it is written; None is never due.
DUE_IN_DAYS = st.one_of(st.none(), st.integers(0, 3))


@dataclass
class Bill:
    """An invoice as the second bookkeeper has it."""

    row: Invoice
    total: int
    due_on: date | None
    is_shared: bool = False
    is_void: bool = False
    noted: int = 0

    @property
    def age(self) -> tuple[date, int]:
        return self.due_on or date.max, self.row.pk


@dataclass
class Part:
    """Money that lies on a bill; `is_meant` when it came for that very bill."""

    bill: Bill
    amount: int
    is_meant: bool


@dataclass
class Purse:
    """A payment or a credit."""

    row: Payment | Credit
    amount: int
    returned: int = 0
    is_gone: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def left_over(self) -> int:
        return 0 if self.is_gone else self.amount - self.returned - sum(part.amount for part in self.parts)


class Ledger:
    """All bills and purses of one client, oldest first."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        self.purses: list[Purse] = []

    def paid(self, bill: Bill) -> int:
        return sum(part.amount for purse in self.purses for part in purse.parts if part.bill is bill)

    def open(self, bill: Bill) -> int:
        return bill.total - self.paid(bill) - bill.noted

    def balance(self, *, shared_only: bool) -> int:
        asked = [bill for bill in self.bills if not bill.is_void and (bill.is_shared or not shared_only)]
        return sum(self.open(bill) for bill in asked) - sum(purse.left_over for purse in self.purses)

    def sums(self, *, shared_only: bool) -> Sums:
        """The four sums. The portal shows nothing of invoices that are not shared, nor of what paid them."""
        standing = [bill for bill in self.bills if not bill.is_void]
        asked = [bill for bill in standing if bill.is_shared or not shared_only]
        hidden = [bill for bill in standing if bill not in asked]
        noted = sum(bill.noted for bill in hidden)
        counting = [purse for purse in self.purses if not purse.is_gone]
        came = [purse for purse in counting if isinstance(purse.row, Payment)]
        given = sum(purse.amount for purse in counting if isinstance(purse.row, Credit))
        return Sums(
            invoiced_minor=sum(bill.total for bill in asked),
            paid_minor=sum(purse.amount for purse in came) - noted - sum(self.paid(bill) for bill in hidden),
            refunded_minor=sum(purse.returned for purse in came) - noted,
            adjusted_minor=-given - sum(bill.noted for bill in asked),
        )

    def spend(self) -> None:
        """What is left over pays what is shared: the oldest due first, out of the oldest purse."""
        shared = (bill for bill in self.bills if bill.is_shared and not bill.is_void)
        for bill in sorted(shared, key=lambda one: one.age):
            for purse in self.purses:
                amount = min(purse.left_over, self.open(bill))
                if amount > 0:
                    purse.parts.append(Part(bill, amount, is_meant=False))

    def lift(self, bill: Bill, *, also_meant: bool) -> None:
        """Takes off the bill what lies on it."""
        for purse in self.purses:
            purse.parts = [part for part in purse.parts if part.bill is not bill or (part.is_meant and not also_meant)]

    def give_back(self, purse: Purse, amount: int) -> None:
        """What is left over goes first, then what was put last; the bill asks for nothing again."""
        rest = max(amount - purse.left_over, 0)
        purse.returned += amount
        for part in reversed(purse.parts):
            taken = min(rest, part.amount)
            part.amount -= taken
            part.bill.noted += taken
            rest -= taken


class Books(RuleBasedStateMachine):
    """One client's books, kept twice."""

    client: Client
    traveller: Traveller
    bills = Bundle("bills")
    payments = Bundle("payments")
    gifts = Bundle("gifts")

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.ledger = Ledger()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @rule(target=bills, total=AMOUNTS, due_in=DUE_IN_DAYS)
    def issue(self, total: int, due_in: int | None) -> Bill:
        today = clock.today(self.client.practice.time_zone)
        due_on = None if due_in is None else today + timedelta(days=due_in)
        entry = InvoiceInput(today, due_on, (LineInput("Session", total + 7), LineInput("Discount", -7)))
        row = invoicing.issue(invoicing.draft(self.client, entry, by=cast.DESK), shown=None, by=cast.DESK)
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
            self.ledger.lift(bill, also_meant=False)
        bill.is_shared = False
        self.ledger.spend()

    @rule(bill=bills)
    def void(self, bill: Bill) -> None:
        invoicing.void(bill.row, reason="Made by mistake", shown=None, by=cast.DESK)
        self.ledger.lift(bill, also_meant=True)
        bill.is_void = True
        self.ledger.spend()

    @rule(target=payments, amount=AMOUNTS)
    def cash(self, amount: int) -> Purse:
        return self._came(Purse(cast.cash(self.client, amount), amount))

    @rule(bill=bills, amount=AMOUNTS)
    def cash_for_a_bill(self, bill: Bill, amount: int) -> None:
        if bill.is_void or not self.ledger.open(bill):
            with pytest.raises(InvoiceVoid if bill.is_void else InvoicePaid):
                cast.cash(self.client, amount, invoice=bill.row)
            return
        meant = Part(bill, min(amount, self.ledger.open(bill)), is_meant=True)
        self._came(Purse(cast.cash(self.client, amount, invoice=bill.row), amount, parts=[meant]))

    @rule(target=gifts, amount=AMOUNTS)
    def credit(self, amount: int) -> Purse:
        row = account_credits.give(self.client, amount_minor=amount, reason="Goodwill", shown=None, by=cast.DESK)
        return self._came(Purse(row, amount))

    @rule(purse=payments)
    def take_back_cash(self, purse: Purse) -> None:
        assert isinstance(purse.row, Payment)
        if purse.returned and not purse.is_gone:
            with pytest.raises(HasRefunds):
                manual_payments.take_back(purse.row, reason="It bounced", shown=None, by=cast.DESK)
            return
        manual_payments.take_back(purse.row, reason="It bounced", shown=None, by=cast.DESK)
        self._gone(purse)

    @rule(purse=consumes(gifts))
    def take_back_credit(self, purse: Purse) -> None:
        assert isinstance(purse.row, Credit)
        account_credits.take_back(purse.row, reason="A mistake", shown=None, by=cast.DESK)
        self._gone(purse)

    @rule(purse=payments, amount=AMOUNTS)
    def refund_by_hand(self, purse: Purse, amount: int) -> None:
        assert isinstance(purse.row, Payment)
        if purse.is_gone or amount > purse.amount - purse.returned:
            with pytest.raises(TakenBack if purse.is_gone else ExceedsRefundableAmount):
                refunds.record_manual_refund(
                    purse.row, amount_minor=amount, reason="Too much", shown=None, by=cast.DESK
                )
            return
        refunds.record_manual_refund(purse.row, amount_minor=amount, reason="Too much", shown=None, by=cast.DESK)
        self.ledger.give_back(purse, amount)

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.traveller.shift(timedelta(days=days))

    @rule(days=st.integers(1, 60), lines=st.integers(1, 3), shared_only=st.booleans())
    def statements_follow_each_other(self, days: int, lines: int, *, shared_only: bool) -> None:
        """The months one after the other, each in parts of some lines: what one ends with the next begins with."""
        today = clock.today(self.client.practice.time_zone)
        ends_on, after = self.client.practice.created_at.date() - timedelta(days=1), 0
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(statements, "LINES_PER_PART", lines)
            while ends_on < today:
                begins_on, ends_on = ends_on + timedelta(days=1), min(ends_on + timedelta(days=days), today)
                for told in self._parts(begins_on, ends_on, shared_only=shared_only):
                    assert told.before_minor == after
                    assert told.after_minor == told.before_minor + told.sums.balance_minor
                    assert not told.entries or told.entries[-1].balance_minor == told.after_minor
                    after = told.after_minor
        assert after == self.ledger.balance(shared_only=shared_only)

    def _parts(self, begins_on: date, ends_on: date, *, shared_only: bool) -> Iterator[Statement]:
        today, number, last = clock.today(self.client.practice.time_zone), 1, 1
        while number <= last:
            told = statements.statement_of(
                self.client, begins_on=begins_on, ends_on=ends_on, today=today, shared_only=shared_only, part=number
            )
            number, last = number + 1, told.parts
            yield told

    @invariant()
    def the_ledger_is_sound(self) -> None:
        # So that nothing happens at the same moment: the age of money decides which is spent first.
        self.traveller.shift(timedelta(seconds=1))
        assert list(verification.mismatches()) == []

    @invariant()
    def both_bookkeepers_say_the_same(self) -> None:
        rows = Invoice.objects.in_bulk()
        for bill in self.ledger.bills:
            row = rows[bill.row.pk]
            assert (row.paid_minor, row.credited_minor) == (self.ledger.paid(bill), bill.noted)
            assert row.is_paid == (not bill.is_void and self.ledger.open(bill) == 0)
        assert balances.office_account(self.client).office_minor == self.ledger.balance(shared_only=False)
        assert balances.portal_account(self.client).portal_minor == self.ledger.balance(shared_only=True)
        assert balances.office_account(self.client).sums == self.ledger.sums(shared_only=False)
        assert balances.portal_account(self.client).sums == self.ledger.sums(shared_only=True)
        for row in Invoice.objects.with_sums():
            assert row.sums.balance_minor == row.owed_minor
        assert balances.unused_credit(self.client) == sum(purse.left_over for purse in self.ledger.purses)

    def _came(self, purse: Purse) -> Purse:
        self.ledger.purses.append(purse)
        self.ledger.spend()
        return purse

    def _gone(self, purse: Purse) -> None:
        purse.parts, purse.is_gone = [], True
        self.ledger.spend()


@pytest.fixture
def books(practice: Practice, stopped_clock: Traveller) -> Iterator[type[Books]]:
    Books.client, Books.traveller = cast.ana(practice), stopped_clock
    cast.with_access(Books.client)
    yield Books
    del Books.client, Books.traveller


def test_in_whatever_order_things_happen_the_books_are_right(
    books: type[Books], pytestconfig: pytest.Config, share: int
) -> None:
    """6 runs of 25 steps take about 5 seconds of one core."""
    run_state_machine_as_test(books, settings=at_random(pytestconfig, runs=6, steps=25))
