"""Automatic reminders: on their days, at the practice's time of day, once for each bill and day."""

import inspect
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.models import Invoice, Reminder
from portico.domain.billing.reminders import due_reminders, remindable, sending
from portico.domain.billing.reminders.due_reminders import ReminderDays
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.processes.simulated_kills import killed_after

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
TODAY = date(2026, 11, 23)
# Practices, clients of the batch, their mailboxes, the clients of these; in a transaction: accounts locked, accesses,
# bills, reminders, earlier mails, texts, bills past due, mails, events, links, unspent links.
QUERIES = 17


def reminders() -> list[OutgoingEmail]:
    return list(OutgoingEmail.objects.filter(kind="reminder").order_by("id"))


def owing(person: Client, days_late: int) -> Invoice:
    """Returns a bill whose due date was so many days ago, shared two days ago."""
    bill = cast.bill(person, due_on=TODAY - timedelta(days=days_late))
    Invoice.objects.filter(pk=bill.pk).update(shared_at=clock.now() - timedelta(days=2))
    return bill


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


@pytest.mark.parametrize("days_late", [-4, -3, -2, -1, 0, 2, 3, 4, 5, 14, 15, 16, 29, 30, 31, 32, 60])
def test_a_bill_is_reminded_of_on_its_days_and_the_day_after(ana: Client, days_late: int) -> None:
    owing(ana, days_late)
    assert due_reminders.queue_due() == (days_late in {-3, -2, 3, 4, 14, 15, 30, 31})


def test_each_day_of_a_bill_is_queued_once(ana: Client, stopped_clock: Traveller) -> None:
    owing(ana, -3)
    for _quarter in range(4 * 35):
        due_reminders.queue_due()
        stopped_clock.shift(timedelta(hours=6))
    days = list(Reminder.objects.order_by("day").values_list("day", flat=True))
    assert days == [TODAY + timedelta(days=after) for after in (0, 6, 17, 33)]
    assert len(reminders()) == 4


def test_a_worker_that_was_away_sends_only_what_is_of_today_or_yesterday(ana: Client, stopped_clock: Traveller) -> None:
    owing(ana, -3)
    stopped_clock.shift(timedelta(days=10))
    assert due_reminders.queue_due() == 0
    stopped_clock.shift(timedelta(days=8))
    assert due_reminders.queue_due() == 1
    assert Reminder.objects.get().day == TODAY + timedelta(days=17)


def test_a_paused_practice_sends_none(ana: Client, practice: Practice) -> None:
    owing(ana, 3)
    Practice.objects.update(suspended_at=clock.now())
    assert due_reminders.queue_due() == 0
    Practice.objects.update(suspended_at=None, reminder_days="")
    assert due_reminders.queue_due() == 0


@pytest.mark.parametrize(
    ("time_zone", "at", "expected"),
    [
        # The clocks of New York are set forward on March 14, 2027, and back on November 7.
        ("America/New_York", datetime(2027, 3, 13, 13, 59, tzinfo=UTC), 0),
        ("America/New_York", datetime(2027, 3, 13, 14, 0, tzinfo=UTC), 1),
        ("America/New_York", datetime(2027, 3, 14, 12, 59, tzinfo=UTC), 0),
        ("America/New_York", datetime(2027, 3, 14, 13, 0, tzinfo=UTC), 1),
        ("America/New_York", datetime(2027, 11, 7, 13, 59, tzinfo=UTC), 0),
        ("America/New_York", datetime(2027, 11, 7, 14, 0, tzinfo=UTC), 1),
        ("America/New_York", datetime(2027, 3, 14, 21, 59, tzinfo=UTC), 1),
        ("America/New_York", datetime(2027, 3, 14, 22, 0, tzinfo=UTC), 0),
        # The day of the practice, not of the server.
        ("Pacific/Auckland", datetime(2027, 3, 13, 20, 0, tzinfo=UTC), 1),
    ],
)
def test_reminders_are_queued_from_nine_in_the_practices_time(
    ana: Client, stopped_clock: Traveller, time_zone: str, at: datetime, expected: int
) -> None:
    bill = owing(ana, 3)
    stopped_clock.move_to(at)
    Practice.objects.update(time_zone=time_zone)
    Invoice.objects.filter(pk=bill.pk).update(due_on=clock.today(time_zone) - timedelta(days=3))
    assert due_reminders.queue_due() == expected


def test_a_mailbox_gets_one_mail_for_all_its_clients_and_bills(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    for person in (bruno, bea):
        cast.with_access(person)
        owing(person, 3)
        owing(person, 14)
    assert due_reminders.queue_due() == 1
    assert Reminder.objects.count() == 4
    assert len(reminders()[0].content["bills"]) == 4


def test_no_second_mail_goes_to_a_mailbox_on_the_day_of_one_sent_by_hand(ana: Client) -> None:
    bill = owing(ana, 3)
    invoice_sharing.send_again(bill, form_key=tokens.new_token(), shown=None, by=cast.DESK)
    assert due_reminders.queue_due() == 0
    assert (len(reminders()), Reminder.objects.count()) == (1, 1)


def test_what_is_not_owed_by_a_client_who_may_be_mailed_is_not_reminded_of(practice: Practice, ana: Client) -> None:
    paid, new = owing(ana, 3), owing(ana, 3)
    cast.cash(ana, paid.total_minor, invoice=paid)
    Invoice.objects.filter(pk=new.pk).update(shared_at=clock.now() - timedelta(hours=20))
    owing(cast.carol(practice), 3)
    assert due_reminders.queue_due() == 0
    owing(ana, 3)
    Client.objects.update(reminders_off_at=clock.now())
    assert due_reminders.queue_due() == 0
    Client.objects.update(reminders_off_at=None)
    PortalAccess.objects.update(access_billing_documents=False)
    assert due_reminders.queue_due() == 0


def test_a_bill_paid_while_its_reminder_is_queued_is_not_reminded_of(ana: Client) -> None:
    bill = owing(ana, 3)
    accesses = remindable.accesses_of(PortalAccount.objects.all())
    due = remindable.to_accesses(remindable.bills(), accesses)
    cast.cash(ana, bill.total_minor, invoice=bill)
    assert sending.queue_mails(due, accesses, by=cast.DESK) == []


def test_a_worker_killed_at_any_point_sends_none_twice(ana: Client) -> None:
    owing(ana, 3)
    for statements in range(QUERIES + 1):
        with killed_after(statements):
            due_reminders.queue_due()
        assert len(reminders()) == Reminder.objects.count()
    due_reminders.queue_due()
    assert (len(reminders()), Reminder.objects.count()) == (1, 1)


def test_practices_are_served_in_turn(practice: Practice, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_reminders, "BATCH_SIZE", 2)
    for name in ("Nia", "Olu", "Pia"):
        person = cast.client(practice, name, address=f"{name}@mail.example")
        cast.with_access(person)
        owing(person, 3)
    dora = cast.dora(cast.birch())
    cast.with_access(dora)
    owing(dora, 3)
    due_reminders.queue_due()
    assert {mail.practice_id for mail in reminders()} == {practice.pk, dora.practice_id}


@pytest.mark.parametrize("number", [1, 5])
def test_the_number_of_queries_is_fixed(
    practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for name in ("Nia", "Olu", "Pia", "Quin", "Rae")[:number]:
        person = cast.client(practice, name, address=f"{name}@mail.example")
        cast.with_access(person)
        owing(person, 3)
    with django_assert_num_queries(QUERIES):
        assert due_reminders.queue_due() == number


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_queue_one_mail(ana: Client) -> None:
    owing(ana, 3)
    assert errors(at_once(*[due_reminders.queue_due] * HANDS)) == []
    assert (len(reminders()), Reminder.objects.count()) == (1, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_only_the_constraint_stops_a_second_mail(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    owing(ana, 3)
    both_have_read, day_of = Barrier(2), due_reminders._day_of

    def day_after_both(bill: Invoice, days: ReminderDays) -> date:
        both_have_read.wait(30)
        return day_of(bill, days)

    def unlocked(pks: set[int]) -> list[PortalAccount]:
        return list(PortalAccount.objects.filter(pk__in=pks))

    monkeypatch.setattr(due_reminders, "_day_of", day_after_both)
    monkeypatch.setattr(sending, "lock_accounts", unlocked)
    monkeypatch.setattr(due_reminders, "_queue", inspect.unwrap(due_reminders._queue))
    assert errors(at_once(*[due_reminders.queue_due] * 2)) == [IntegrityError]
    assert (len(reminders()), Reminder.objects.count()) == (1, 1)
