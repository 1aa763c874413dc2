"""Securing data restored from a backup: ends links and sessions, and parks waiting mail for staff to review.

After the backup a consent may have been withdrawn, a link used or a mail sent; the restored data do not show it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext as _

from portico.domain.access.models import Pin, PortalSession, RequestOutcome, SignInLink, SignInRequest
from portico.domain.access.onboarding import invitation_runs
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.maintenance.models import ScheduledTask
from portico.domain.practices.models import PasswordResetRequest, Practice, SetUpLink, StaffSession
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log, sealing
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail, Restoration

# Work in progress when the backup was made may have started this much earlier; clocks may differ by as much.
CLOCK_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class RestoreSummary:
    """Numbers of rows of one practice that were ended, of emails that were parked, and of runs that were paused.

    Runs that share invoices were canceled.
    """

    links: int
    pins: int
    sessions: int
    staff_sessions: int
    set_up_links: int
    emails: int
    asks: int
    invitation_runs: int
    sharing_runs: int

    @property
    def is_nothing(self) -> bool:
        return not any(asdict(self).values())


def after_restore(*, by: Actor) -> dict[str, RestoreSummary]:
    """Secures restored data, practice by practice. Returns the summaries by slug.

    Idempotent as long as nothing else has happened. No worker may be running.
    """
    summaries = {practice.slug: _secure(practice, by=by) for practice in Practice.objects.order_by("id")}
    StaffSession.objects.all().delete()  # Sessions that are not signed in, too.
    PasswordResetRequest.objects.all().delete()  # Staff have requested another link, or no longer need one.
    while sealing.seal_all():  # The newest audit entries may not have been sealed before the backup.
        pass
    return summaries


def _secure(practice: Practice, *, by: Actor) -> RestoreSummary:
    with transaction.atomic():
        row = Practice.objects.locked().get(pk=practice.pk)
        backup_made_at = _newest_known_time(row)
        parked = _park_emails(row)  # Before links: a mail's row is locked before what belongs to it.
        summary = RestoreSummary(
            links=_end_links(row),
            pins=Pin.objects.unspent().filter(practice=row).update(voided_at=clock.now()),
            sessions=_end_sessions(row),
            staff_sessions=StaffSession.objects.filter(staff__practice=row).delete()[0],
            set_up_links=SetUpLink.objects.filter(practice=row, used_at=None).update(used_at=clock.now()),
            emails=parked,
            asks=_expire_requests(row),
            invitation_runs=invitation_runs.pause_all(row, by=by),
            sharing_runs=invoice_sharing.cancel_run(row),
        )
        if summary.is_nothing and _was_done_already(row, backup_made_at):
            return summary
        audit_log.record(AuditAction.PRACTICE_RESTORED, practice=row, by=by, **asdict(summary))
        Restoration.objects.create(practice=row, backup_made_at=backup_made_at - CLOCK_MARGIN)
    return summary


def _newest_known_time(practice: Practice) -> datetime:
    """Returns the newest time in the data; the backup was made then or later."""
    entry = AuditEntry.objects.filter(practice=practice).order_by("-id").first()
    tasks_done_at = ScheduledTask.objects.aggregate(newest=Max("done_at"))["newest"]
    known = (practice.created_at, entry.at if entry else None, tasks_done_at)
    return max(moment for moment in known if moment is not None)


def _was_done_already(practice: Practice, backup_made_at: datetime) -> bool:
    newest = Restoration.objects.filter(practice=practice).order_by("-id").first()
    return newest is not None and backup_made_at <= newest.restored_at


def _park_emails(practice: Practice) -> int:
    reason = _(
        "The data was restored from a backup while this email was waiting. It may have been sent before. Try "
        "again if it is still needed."
    )
    waiting = OutgoingEmail.objects.waiting().filter(practice=practice).order_by("id")
    return sum(outbox.park(email, reason) for email in list(waiting))


def _end_links(practice: Practice) -> int:
    """Ends links that were mailed. The link of a parked mail does not work until the mail is restarted."""
    handed_over = OutgoingEmail.objects.filter(pk=OuterRef("email_id"), handing_over_at__isnull=False)
    links = SignInLink.objects.unspent().filter(Exists(handed_over), practice=practice)
    return links.update(voided_at=clock.now())


def _end_sessions(practice: Practice) -> int:
    """Ends sessions, and the changes of address that sessions asked for, also those that had ended."""
    sessions = PortalSession.objects.filter(practice=practice)
    ended = sessions.filter(ended_at=None).update(ended_at=clock.now(), ended_by="a restored backup")
    sessions.filter(revoked_at=None).update(revoked_at=clock.now())
    return ended


def _expire_requests(practice: Practice) -> int:
    """Ends waiting sign-in requests: they are valid for fifteen minutes, so the client has asked again or left."""
    requests = SignInRequest.objects.waiting().filter(practice=practice)
    return requests.update(outcome=RequestOutcome.TOO_LATE, answered_at=clock.now(), lease_until=None, not_before=None)
