"""Automatic reminders of documents to complete: on the practice's days after sharing, in its daytime, each once."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.documents.models import DocumentReminder, DocumentRequest, Packet
from portico.domain.documents.sharing import reminder_mail
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import Restoration
from portico.plumbing.text import time_formatting

# The hours of the practice's day in which reminders are queued.
FIRST_HOUR, LAST_HOUR = 9, 17
# The most packets that one run of the task reads.
BATCH_SIZE = 100
AFTER_RESTORE = timedelta(days=2)
# No reminder day is later after sharing.
LONGEST = timedelta(days=31)


def queue_due() -> int:
    """Queues a batch of the reminders that are due now; a scheduled task. Returns the number of mails.

    A reminder is due on its day and on the next one. After a longer pause, earlier ones are not sent any more.
    """
    due = _due()
    if due is None:
        return 0
    accounts = set(_packets(due).order_by("id").values_list("access__account", flat=True)[:BATCH_SIZE])
    return _queue(accounts, due) if accounts else 0


@retry_on_deadlock
def _queue(accounts: set[int], due: Q) -> int:
    with transaction.atomic():
        locked = list(PortalAccount.objects.locked().filter(pk__in=accounts).order_by("pk"))
        # Read again under the lock: another worker may have queued them.
        related = ("access__client__practice", "access__account", "access__address", "access__relationship__contact")
        packets = list(_packets(due).filter(access__account__in=locked).select_related(*related).order_by("id"))
        DocumentReminder.objects.bulk_create(
            DocumentReminder(practice_id=each.practice_id, packet=each, day=_day_of(each)) for each in packets
        )
        return len(reminder_mail.queue([each.access for each in packets], by=Actor.system()))


def _due() -> Q | None:
    """Returns the condition of the packets with a reminder due that was not queued yet; None outside sending hours."""
    due = Q()
    kinds = Practice.objects.filter(suspended_at=None).exclude(document_reminder_days="")
    for zone, steps in kinds.values_list("time_zone", "document_reminder_days").distinct():
        if not FIRST_HOUR <= clock.hour(zone) <= LAST_HOUR:
            continue
        today = clock.today(zone)
        shared = Q()
        for day in _shared_on(steps, today):
            shared |= Q(shared_at__gte=_start_of(day, zone), shared_at__lt=_start_of(day + timedelta(days=1), zone))
        queued = DocumentReminder.objects.filter(packet=OuterRef("pk"), day__gte=today - timedelta(days=1))
        of_practices = Q(practice__time_zone=zone, practice__document_reminder_days=steps)
        due |= Q(of_practices, shared, ~Exists(queued))
    return due or None


def _shared_on(steps: str, today: date) -> set[date]:
    """Returns the days of sharing with a reminder today or yesterday."""
    days = Practice(document_reminder_days=steps).document_reminder_steps
    return {today - timedelta(days=each + since) for each in days for since in (0, 1)}


def _start_of(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _packets(due: Q) -> QuerySet[Packet]:
    """Returns the packets that are due, with something left to complete, of people who may get the mail."""
    left = DocumentRequest.objects.open().filter(packet=OuterRef("pk"))
    reached = PortalAccess.objects.eligible(Purpose.DOCUMENT_MAIL).filter(pk=OuterRef("access"))
    # After a restore, reminders may have been sent that the data do not show.
    restored = Restoration.objects.filter(practice=OuterRef("practice"), restored_at__gt=clock.now() - AFTER_RESTORE)
    packets = Packet.objects.filter(due, Exists(left), Exists(reached), ~Exists(restored), practice__suspended_at=None)
    # All days together, for the index by time.
    return packets.filter(shared_at__gt=clock.now() - LONGEST)


def _day_of(packet: Packet) -> date:
    """Returns the reminder day of a packet that is due: today, or else yesterday."""
    practice = packet.access.client.practice
    today = clock.today(practice.time_zone)
    shared_on = time_formatting.day_of(packet.shared_at, practice.zone)
    is_today = (today - shared_on).days in practice.document_reminder_steps
    return today if is_today else today - timedelta(days=1)
