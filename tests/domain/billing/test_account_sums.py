"""The sums invoiced, paid, refunded and adjusted are equal in accounts, statements, invoices and reports."""

from datetime import UTC, date, datetime, timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import allocation, balances, locks, reports, statements, verification
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import AttemptState, Dispute, DisputeState, Invoice, Payment, RefundMethod
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.stripe_sync import going_live
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

REFUNDED = Sums(invoiced_minor=42_000, paid_minor=42_000, refunded_minor=21_000, adjusted_minor=-21_000)


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.fixture
def paid(ana: Client) -> Payment:
    return cast.cash(ana, 42_000, invoice=cast.bill(ana, 42_000))


def statement(person: Client, *, shared_only: bool) -> Statement:
    today = clock.today(person.practice.time_zone)
    begins_on = today - timedelta(days=400)
    return statements.statement_of(person, begins_on=begins_on, ends_on=today, today=today, shared_only=shared_only)


def all_sums(person: Client) -> dict[str, Sums]:
    """Returns the sums from every place that shows them, after verifying the ledger."""
    assert list(verification.mismatches()) == []
    return {
        "the office's account": balances.office_account(person).sums,
        "the portal's account": balances.portal_account(person).sums,
        "the office's statement": statement(person, shared_only=False).sums,
        "the portal's statement": statement(person, shared_only=True).sums,
        "the month": reports.totals_of(person.practice).months[-1].sums,
    }


def same_everywhere(sums: Sums) -> dict[str, Sums]:
    places = ("the office's account", "the portal's account", "the office's statement", "the portal's statement")
    return dict.fromkeys((*places, "the month"), sums)


def invoice_sums(row: Invoice) -> Sums:
    return Invoice.objects.with_sums().get(pk=row.pk).sums


def lose(payment: Payment, amount_minor: int) -> None:
    with locks.lock_books(payment.client):
        allocation.reverse_for_dispute(
            Dispute.objects.create(
                practice=payment.practice,
                payment=payment,
                stripe_dispute_id=f"dp_{payment.ref}",
                amount_minor=amount_minor,
                currency=payment.currency,
                state=DisputeState.LOST,
                closed_at=clock.now(),
            )
        )


def test_a_refund_is_never_invoiced(ana: Client, paid: Payment) -> None:
    refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)
    assert all_sums(ana) == same_everywhere(REFUNDED)
    assert invoice_sums(ana.invoices.get()) == REFUNDED


def test_a_failed_refund_is_in_no_sum(ana: Client, paid: Payment) -> None:
    refund = refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)
    with locks.lock_books(ana):
        allocation.undo_refund(refund, failure="lost_or_stolen_card", by=cast.DESK)
    assert all_sums(ana) == same_everywhere(Sums(invoiced_minor=42_000, paid_minor=42_000))


def test_a_lost_dispute_is_adjusted_and_owed_again(ana: Client) -> None:
    bill = cast.bill(ana, 42_000)
    lose(cast.charged(cast.attempt(bill)), 42_000)
    sums = Sums(invoiced_minor=42_000, paid_minor=42_000, adjusted_minor=42_000)
    assert all_sums(ana) == same_everywhere(sums)
    assert invoice_sums(bill) == sums
    assert sums.balance_minor == 42_000


def test_a_credit_is_adjusted_not_paid(ana: Client) -> None:
    bill = cast.bill(ana, 42_000)
    account_credits.give(ana, amount_minor=2_000, reason="Goodwill", shown=None, by=cast.DESK)
    sums = Sums(invoiced_minor=42_000, adjusted_minor=-2_000)
    assert all_sums(ana) == same_everywhere(sums)
    assert invoice_sums(bill) == sums


def test_a_void_invoice_is_not_invoiced_but_paid(ana: Client, paid: Payment) -> None:
    refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)
    bill = ana.invoices.get()
    invoicing.void(bill, reason="Wrong day", shown=None, by=cast.DESK)
    assert all_sums(ana) == same_everywhere(Sums(paid_minor=42_000, refunded_minor=21_000))
    assert invoice_sums(bill) == Sums(paid_minor=21_000, refunded_minor=21_000)


def test_a_payment_taken_back_is_in_no_sum(ana: Client, paid: Payment) -> None:
    manual_payments.take_back(paid, reason="Bounced", shown=None, by=cast.DESK)
    assert all_sums(ana) == same_everywhere(Sums(invoiced_minor=42_000))


def test_removed_test_payments_are_in_no_sum(ana: Client) -> None:
    bills = cast.bill(ana, 42_000), cast.bill(ana, 9_000)
    refunded, lost = (cast.charged(cast.attempt(bill)) for bill in bills)
    with locks.lock_books(ana):
        refunds.create_refund(refunded, amount_minor=21_000, method=RefundMethod.STRIPE, reason="x", by=cast.DESK)
    lose(lost, 9_000)
    assert going_live.remove_test_payments(ana.practice, shown=None, by=cast.DESK) == 2
    assert all_sums(ana) == same_everywhere(Sums(invoiced_minor=51_000))
    assert [invoice_sums(bill).balance_minor for bill in bills] == [42_000, 9_000]


def test_unshared_invoices_are_in_no_portal_sum(ana: Client, paid: Payment) -> None:
    refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)
    invoice_sharing.unshare(ana.invoices.get(), shown=None, by=cast.DESK)
    shown = all_sums(ana)
    assert (shown["the portal's account"], shown["the portal's statement"]) == (Sums(), Sums())
    assert (shown["the office's account"], shown["the office's statement"]) == (REFUNDED, REFUNDED)


def test_a_future_invoice_is_on_the_statement_up_to_today(ana: Client) -> None:
    bill = cast.bill(ana, 14_000)
    ahead = clock.today(ana.practice.time_zone) + timedelta(days=20)
    Invoice.objects.filter(pk=bill.pk).update(dated_on=ahead, due_on=ahead)
    shown = all_sums(ana)
    assert shown["the portal's statement"] == shown["the portal's account"] == Sums(invoiced_minor=14_000)


def test_days_begin_at_midnight_of_the_practice(ana: Client, paid: Payment, stopped_clock: Traveller) -> None:
    # 11:30 PM in New York, the next day in UTC.
    stopped_clock.move_to(datetime(2026, 12, 1, 4, 30, tzinfo=UTC))
    refunds.record_manual_refund(paid, amount_minor=21_000, reason="Too much", shown=None, by=cast.DESK)
    stopped_clock.move_to(datetime(2026, 12, 2, 15, 0, tzinfo=UTC))
    november, december = [month.sums.refunded_minor for month in reports.totals_of(ana.practice).months[-2:]]
    assert (november, december) == (21_000, 0)
    day = date(2026, 11, 30)
    found = statements.statement_of(
        ana, begins_on=day, ends_on=day, today=clock.today("America/New_York"), shared_only=True
    )
    assert found.sums == Sums(refunded_minor=21_000, adjusted_minor=-21_000)
    assert (found.before_minor, found.after_minor) == (0, 0)


def test_processing_amounts_are_counted_separately(ana: Client) -> None:
    paid, _other = cast.bill(ana, 14_000), cast.bill(ana, 5_000)
    cast.attempt(paid, state=AttemptState.PROCESSING)
    account = balances.portal_account(ana)
    assert (account.sums.balance_minor, account.processing_minor, account.to_pay_number) == (19_000, 14_000, 1)
