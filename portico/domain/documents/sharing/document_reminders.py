"""Automatic reminders of documents to complete: on the practice's days after sharing, in its daytime, each once."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.sign_in import mail_links
from portico.domain.access.sign_in.mail_links import LinkedMail
from portico.domain.documents.models import DocumentReminder, DocumentRequest, Packet
from portico.domain.documents.sharing import document_mails
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, Draft
from portico.plumbing.models import OutgoingEmail, Restoration
from portico.plumbing.text import time_formatting

KIND = "incomplete_documents"
# The hours of the practice's day in which reminders are queued.
FIRST_HOUR, LAST_HOUR = 9, 17
# Packets of one turn.
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
        by_key: dict[str, list[PortalAccess]] = defaultdict(list)
        for each in packets:
            by_key[_key_of(each.access)].append(each.access)
        queued = set(OutgoingEmail.objects.filter(kind=KIND, key__in=list(by_key)).values_list("key", flat=True))
        wanted = {key: accesses for key, accesses in by_key.items() if key not in queued}
        emails = outbox.queue_new([_draft(key, accesses) for key, accesses in wanted.items()])
        mail_links.create([(email, wanted[email.key][0]) for email in emails])
        return len(emails)


def _due() -> Q | None:
    """Returns the condition of the packets with a reminder due that was not queued yet; None in the night."""
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


def _key_of(access: PortalAccess) -> str:
    """Returns the key of the day's reminder of the mailbox."""
    ref = access.account.ref if access.account is not None else access.pk
    return f"{KIND}:{ref}:{clock.today(access.client.practice.time_zone):%Y-%m-%d}"


def _draft(key: str, accesses: Collection[PortalAccess]) -> Draft:
    access = next(iter(accesses))
    practice, language = access.client.practice, access.holder_language
    if access.account is None or access.address is None:
        raise AssertionError("An access that may be mailed has an account and an address.")
    portal = practice.portal_path
    with translation.override(language):
        subject = _("Documents to complete for %(practice)s") % {"practice": practice.name}
    return {
        "practice": practice,
        "kind": KIND,
        "key": key,
        "client": access.client,
        "to_address": access.address.address,
        "to_name": access.holder.name,
        "subject": outbox.subject_line(subject),
        "content": {
            "account": access.account.ref,
            "address": access.address.ref,
            "day": clock.today(practice.time_zone).isoformat(),
            "language": language,
            "goes_to": f"{portal}documents/" if _is_one(accesses) else f"{portal}who/?next={portal}documents/",
            **holders.content_of(access),
        },
        "by": Actor.system(),
        "link_nonce": tokens.new_nonce(),
    }


def _is_one(accesses: Iterable[PortalAccess]) -> bool:
    return len({each.pk for each in accesses}) == 1


class IncompleteDocumentsMail(LinkedMail):
    """Counts what is left at hand-over; dropped if that is nothing, or if mail is not allowed any more."""

    label = gettext_lazy("Incomplete documents")

    def refuse(self, email: OutgoingEmail) -> str | None:
        if date.fromisoformat(email.content["day"]) < clock.today(email.practice.time_zone) - timedelta(days=1):
            return _("It was not sent on its day.")
        access = holders.access_of_email(email)
        reason = eligibility.reason_to_drop(access, Purpose.DOCUMENT_MAIL, written_to=email.content["address"])
        return reason or (None if _left(email)[0] else _("None of its documents is left to complete."))

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        number, minutes = _left(email)
        with translation.override(email.content["language"]):
            words = {
                "practice": email.practice.name,
                "documents": document_mails.number_of_documents(number),
                "minutes": document_mails.minutes_of(minutes),
            }
            context = {
                "heading": _("Documents to complete"),
                "message": _(
                    "Hello,\n\nThis is a reminder from %(practice)s: you have %(documents)s to complete, which takes "
                    "about %(minutes)s. What you have filled in is saved, and you can continue where you stopped."
                )
                % words,
                "link": link,
                "portal_address": email.practice.portal_address,
                "why": _("You received this because you agreed to emails from us."),
            }
            return mail_frame.letter(email, "documents_shared", context)


def _left(email: OutgoingEmail) -> tuple[int, int]:
    """Returns the number of documents that the mailbox has still to complete, and their minutes."""
    accesses = PortalAccess.objects.eligible(Purpose.DOCUMENT_MAIL)
    accesses = accesses.filter(practice=email.practice_id, account__ref=email.content["account"])
    sums = (
        DocumentRequest.objects.open()
        .filter(access__in=accesses)
        .aggregate(number=Count("pk"), minutes=Sum("version__minutes"))
    )
    return sums["number"], sums["minutes"] or 0
