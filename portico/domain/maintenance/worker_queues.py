"""The queues of `portico worker`: sign-in mail; other mail, webhook events and audit log seals; mail to many
recipients; runs of invitations and documents; delivery reports; scheduled tasks; the mailbox of delivery reports;
virus checks."""

import time
from collections.abc import Callable
from functools import partial

from django.conf import settings

from portico.domain.access.onboarding.invitation_run_worker import RunsInTurn
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.card_payments import polling
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.documents.completion import uploads
from portico.domain.documents.sharing import bulk_sharing, invitations
from portico.domain.maintenance import schedule
from portico.domain.maintenance.tasks import TASKS
from portico.domain.practices.staff import password_reset
from portico.gateways import clamd, imap, mail_transport
from portico.plumbing import inbound_events
from portico.plumbing.audit import sealing
from portico.plumbing.files import virus_checks
from portico.plumbing.mail import bulk_rate, delivery
from portico.plumbing.mail.reports import report_application, report_mailbox
from portico.plumbing.models import MailQueue
from portico.plumbing.queue.leases import PracticesInTurn
from portico.plumbing.queue.worker_loop import Job, WorkerQueue

# Sign-in requests of this period are processed together: a round costs nearly as much for one as for ten.
BATCH_SECONDS = 0.1
# While others change the data, everything except mail is polled less often.
POLL_SECONDS = 0.5
SEAL_SECONDS = 1.0
SLOW_POLL_SECONDS = 5.0
# Between two batches of delivery reports other writers get their turn, which matters on SQLite.
APPLICATION_SECONDS = 0.1
# Polling for requests between any two mails would make each mail a tenth slower; a request waits no longer than this.
MAILING_SECONDS = 0.1
REPORT_SECONDS = 30.0


def worker_queues() -> list[WorkerQueue]:
    """Returns the queues. Each has a thread of its own, so that slow work delays neither sign-in mail nor the rest."""
    transport = mail_transport.transport(settings.EMAIL_URL, reports_success=settings.REPORTS_ARE_COLLECTED)
    entrance_mail = partial(delivery.deliver_next, MailQueue.ENTRANCE, transport, PracticesInTurn())
    bulk_mail = partial(
        delivery.deliver_next, MailQueue.BULK, transport, PracticesInTurn(), await_turn=bulk_rate.await_turn
    )
    runs = RunsInTurn(invitations.write, bulk_sharing.share_item)
    return [
        WorkerQueue(
            "entrance",
            [
                Job(request_worker.process_next, pause=BATCH_SECONDS),
                Job(password_reset.process_next, pause=POLL_SECONDS, only_when_idle=True),
                Job(repeat_while_busy(entrance_mail, seconds=MAILING_SECONDS)),
            ],
        ),
        WorkerQueue(
            "rest",
            [
                Job(partial(delivery.deliver_next, MailQueue.REST, transport, PracticesInTurn())),
                Job(invoice_sharing.continue_next_run, pause=POLL_SECONDS, only_when_idle=True),
                Job(polling.poll_next, pause=POLL_SECONDS, only_when_idle=True),
                Job(inbound_events.process_next, pause=POLL_SECONDS, only_when_idle=True),
                Job(polling.expire_unwanted, pause=SLOW_POLL_SECONDS, only_when_idle=True),
                # Not a scheduled task: this costs a read, a scheduled task would cost a write every second.
                Job(_seal, pause=SEAL_SECONDS),
            ],
        ),
        # Waits for the turn of each mail, which nothing else has to wait for.
        WorkerQueue("bulk mail", [Job(bulk_mail)]),
        WorkerQueue("invitation runs", [Job(runs.continue_next, pause=POLL_SECONDS, only_when_idle=True)]),
        # After a large run reports come by the thousand; in the queue above they would wait for slow mail servers.
        WorkerQueue("delivery reports", [Job(report_application.apply_next, pause=APPLICATION_SECONDS)]),
        WorkerQueue("tasks", [Job(_ScheduledTasks(), pause=SLOW_POLL_SECONDS, only_when_idle=True)]),
        *_report_queues(),
        *_virus_check_queues(),
    ]


def _report_queues() -> list[WorkerQueue]:
    """Returns the queue that reads delivery reports, if there is a mailbox for them; waiting for it delays no other."""
    if not settings.REPORT_MAILBOX_URL:
        return []
    mailbox = imap.ImapMailbox(imap.parse(settings.REPORT_MAILBOX_URL))
    read = partial(report_mailbox.read_new, mailbox)
    return [WorkerQueue("reports", [Job(read, pause=REPORT_SECONDS, only_when_idle=True)])]


def _virus_check_queues() -> list[WorkerQueue]:
    """Returns the queue that has files checked, if there is a scanner: it takes seconds for a large file."""
    if not settings.CLAMD_URL:
        return []
    check = partial(virus_checks.check_next, clamd.parse(settings.CLAMD_URL), uploads.record_virus)
    return [WorkerQueue("virus checks", [Job(check)])]


def repeat_while_busy(job: Callable[[], bool], *, seconds: float) -> Callable[[], bool]:
    """Returns a job that repeats the given one while it has work, for at most so many seconds."""

    def repeated() -> bool:
        until = time.monotonic() + seconds
        had_work = job()
        while had_work and time.monotonic() < until and job():
            pass
        return had_work

    return repeated


def _seal() -> bool:
    return sealing.seal_all() > 0


class _ScheduledTasks:
    """Runs the next due task. Creates the schedule at the first run, since the database may be away at start."""

    def __init__(self) -> None:
        self.has_schedule = False

    def __call__(self) -> bool:
        if not self.has_schedule:
            schedule.create_missing(TASKS)
            self.has_schedule = True
        return schedule.run_next(TASKS)
