"""The data came back from a backup: what was open is shut, and what waited waits for somebody to look at it.

Since the backup somebody may have withdrawn a consent, used a link or got a mail; nothing here knows of it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext as _

from portico.domain.access.models import Pin, PortalSession, RequestOutcome, SignInLink, SignInRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.practices.models import Practice, SetUpLink, StaffSession
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log, sealing
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail, Restoration

# What was under way when the copy was made may have begun so long before, and clocks may differ by as much.
MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class RestoreSummary:
    """How many of each were ended (the first five) and parked, at one practice."""

    links: int
    pins: int
    sessions: int
    staff_sessions: int
    set_up_links: int
    emails: int
    asks: int

    @property
    def is_nothing(self) -> bool:
        return not any(asdict(self).values())


def after_restore(*, by: Actor) -> dict[str, RestoreSummary]:
    """Makes restored data safe to open the doors on, practice by practice; by slug, what there was to do.

    Again, before anything else has happened: changes nothing. No worker may be running.
    """
    told = {practice.slug: _quieten(practice, by=by) for practice in Practice.objects.order_by("id")}
    StaffSession.objects.all().delete()  # Those of nobody: somebody was at the door.
    while sealing.seal_all():  # The copy may have been made before the worker came to its newest entries.
        pass
    return told


def _quieten(practice: Practice, *, by: Actor) -> RestoreSummary:
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        seen_at = _last_sign_of_life(row)
        parked = _park_emails(row)  # Before links: a mail's row is locked before what belongs to it.
        quieted = RestoreSummary(
            links=_end_links(row),
            pins=Pin.objects.unspent().filter(practice=row).update(voided_at=clock.now()),
            sessions=_end_sessions(row),
            staff_sessions=StaffSession.objects.filter(staff__practice=row).delete()[0],
            set_up_links=SetUpLink.objects.filter(practice=row, used_at=None).update(used_at=clock.now()),
            emails=parked,
            asks=_answer_asks(row),
        )
        if quieted.is_nothing and _was_done_already(row, seen_at):
            return quieted
        audit_log.record(AuditAction.PRACTICE_RESTORED, practice=row, by=by, **asdict(quieted))
        Restoration.objects.create(practice=row, backup_made_at=seen_at - MARGIN)
    return quieted


def _last_sign_of_life(practice: Practice) -> datetime:
    """The newest moment of which the data know: the copy is of then, or later."""
    entry = AuditEntry.objects.filter(practice=practice).order_by("-id").first()
    chores_done_at = ScheduledTask.objects.aggregate(newest=Max("done_at"))["newest"]
    known = (practice.created_at, entry.at if entry else None, chores_done_at)
    return max(moment for moment in known if moment is not None)


def _was_done_already(practice: Practice, seen_at: datetime) -> bool:
    newest = Restoration.objects.filter(practice=practice).order_by("-id").first()
    return newest is not None and seen_at <= newest.restored_at


def _park_emails(practice: Practice) -> int:
    reason = _(
        "The data were restored from a backup while this email was waiting. It may have been sent before; "
        "start it again if it is still wanted."
    )
    waiting = OutgoingEmail.objects.waiting().filter(practice=practice).order_by("id")
    return sum(outbox.park(email, reason) for email in list(waiting))


def _end_links(practice: Practice) -> int:
    """Those that somebody may hold. A parked mail's is dead until the mail is started again."""
    handed_over = OutgoingEmail.objects.filter(pk=OuterRef("email_id"), handing_over_at__isnull=False)
    links = SignInLink.objects.unspent().filter(Exists(handed_over), practice=practice)
    return links.update(voided_at=clock.now())


def _end_sessions(practice: Practice) -> int:
    sessions = PortalSession.objects.filter(practice=practice, ended_at=None)
    return sessions.update(ended_at=clock.now(), ended_by="a restored backup")


def _answer_asks(practice: Practice) -> int:
    """Whoever asked has asked again, or gone: an ask is worth a quarter of an hour."""
    asks = SignInRequest.objects.waiting().filter(practice=practice)
    return asks.update(outcome=RequestOutcome.TOO_LATE, answered_at=clock.now(), lease_until=None, not_before=None)
