"""Automatic reminders: on the practice's reminder days, in the practice's daytime, each once."""

from collections import defaultdict
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.models import Invoice, Reminder
from portico.domain.billing.reminders import remindable, sending
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import Restoration

# The hours of the practice's day in which reminders are queued.
FIRST_HOUR, LAST_HOUR = 9, 17
# Bills of one turn, taken from the practices in turn.
BATCH_SIZE = 100
# A bill shared less than a day ago was mailed itself.
AFTER_SHARING = timedelta(days=1)
AFTER_RESTORE = timedelta(days=2)


def queue_due() -> int:
    """Queues a batch of the reminders that are due now; a scheduled task. Returns the number of mails.

    A reminder is due on its day and on the next one. After a longer pause, earlier ones are not sent any more.
    """
    days = _days_of_practices()
    if not days:
        return 0
    in_turn = Window(RowNumber(), partition_by=F("practice"), order_by="id")
    found = remindable.bills().filter(_due(days)).annotate(turn=in_turn).order_by("turn", "id")
    clients = set(found.values_list("client", flat=True)[:BATCH_SIZE])
    return _queue(*_with_shared_mailboxes(clients), days) if clients else 0


def _with_shared_mailboxes(clients: set[int]) -> tuple[set[int], set[int]]:
    """Returns the clients with all others who share a mailbox with them, and the mailboxes of all of these.

    A day of a bill is marked once, for all whom it reminds; a mailbox gets one mail, about all its clients.
    """
    reached = PortalAccess.objects.eligible(Purpose.REMINDER)
    while True:
        accounts = set(reached.filter(client__in=clients).values_list("account", flat=True))
        together = clients | set(reached.filter(account__in=accounts).values_list("client", flat=True))
        if together == clients:
            return clients, accounts
        clients = together


@retry_on_deadlock
def _queue(clients: set[int], accounts: set[int], days: "ReminderDays") -> int:
    with transaction.atomic():
        accesses = remindable.accesses_of(sending.lock_accounts(accounts))
        # Read again under the lock: another worker may have queued them.
        due = remindable.bills().filter(_due(days), client__in=clients)
        named = remindable.to_accesses(due, accesses)
        bills = {each.bill.pk: each.bill for each in named}.values()
        Reminder.objects.bulk_create(
            Reminder(practice_id=bill.practice_id, invoice=bill, day=_day_of(bill, days)) for bill in bills
        )
        return len(sending.queue_mails(named, accesses, by=Actor.system()))


# The practices by their date: time zone and reminder days of each kind of practice.
type ReminderDays = dict[date, set[tuple[str, str]]]


def _days_of_practices() -> ReminderDays:
    """Returns the practices in whose daytime it is now, by their current date."""
    days: ReminderDays = defaultdict(set)
    kinds = Practice.objects.filter(suspended_at=None).exclude(reminder_days="")
    for zone, steps in kinds.values_list("time_zone", "reminder_days").distinct():
        if FIRST_HOUR <= clock.hour(zone) <= LAST_HOUR:
            days[clock.today(zone)].add((zone, steps))
    return days


def _due(days: ReminderDays) -> Q:
    """Returns the condition of the bills with a reminder due that was not queued yet."""
    due, due_dates = Q(), set[date]()
    for today, kinds in days.items():
        queued = Reminder.objects.filter(invoice=OuterRef("pk"), day__gte=today - timedelta(days=1))
        of_practices = Q()
        for zone, steps in kinds:
            dates = _due_dates(steps, today)
            due_dates |= dates
            of_practices |= Q(practice__time_zone=zone, practice__reminder_days=steps, due_on__in=dates)
        due |= Q(of_practices, ~Exists(queued))
    # After a restore, reminders may have been sent that the data do not show.
    restored = Restoration.objects.filter(practice=OuterRef("practice"), restored_at__gt=clock.now() - AFTER_RESTORE)
    # All dates together, for the index by due date.
    return Q(
        due,
        ~Exists(restored),
        due_on__in=due_dates,
        practice__suspended_at=None,
        shared_at__lt=clock.now() - AFTER_SHARING,
    )


def _due_dates(steps: str, today: date) -> set[date]:
    """Returns the due dates of bills with a reminder today or yesterday."""
    days_late = Practice(reminder_days=steps).reminder_steps
    return {today - timedelta(days=days + since) for days in days_late for since in (0, 1)}


def _day_of(bill: Invoice, days: ReminderDays) -> date:
    """Returns the reminder day of a bill that is due: today, or else yesterday."""
    practice = bill.client.practice
    today = next(day for day, kinds in days.items() if (practice.time_zone, practice.reminder_days) in kinds)
    due_today = {today - timedelta(days=step) for step in practice.reminder_steps}
    return today if bill.due_on in due_today else today - timedelta(days=1)
