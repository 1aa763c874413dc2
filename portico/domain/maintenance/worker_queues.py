"""The two queues of `portico worker`: mail, webhook events, audit log seals and scheduled tasks."""

import time
from collections.abc import Callable
from functools import partial

from django.conf import settings

from portico.domain.access.sign_in import request_worker
from portico.domain.billing.card_payments import polling
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.maintenance import schedule
from portico.domain.maintenance.tasks import TASKS
from portico.domain.practices.staff import password_reset
from portico.gateways.smtp import server_url
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import inbound_events
from portico.plumbing.audit import sealing
from portico.plumbing.mail import delivery
from portico.plumbing.models import MailQueue
from portico.plumbing.queue.worker_loop import WorkerQueue

# Sign-in requests of this period are processed together: a round costs nearly as much for one as for ten.
BATCH_SECONDS = 0.1
# An idle worker's cost is mostly polling, so everything except mail is polled less often.
POLL_SECONDS = 0.5
SEAL_SECONDS = 1.0
SLOW_POLL_SECONDS = 5.0
# Polling for requests between any two mails would make each mail a tenth slower; a request waits no longer than this.
MAILING_SECONDS = 0.1


def worker_queues() -> list[WorkerQueue]:
    """Returns both queues. Sign-in requests and mail have their own, so that slow work never delays them."""
    transport = SmtpTransport(server_url.parse(settings.EMAIL_URL))
    return [
        WorkerQueue(
            "entrance",
            [
                Throttle(request_worker.process_next, seconds=BATCH_SECONDS),
                Throttle(password_reset.process_next, seconds=POLL_SECONDS, only_when_idle=True),
                repeat_while_busy(
                    partial(delivery.deliver_next, MailQueue.ENTRANCE, transport), seconds=MAILING_SECONDS
                ),
            ],
        ),
        WorkerQueue(
            "rest",
            [
                partial(delivery.deliver_next, MailQueue.REST, transport),
                Throttle(invoice_sharing.continue_next_run, seconds=POLL_SECONDS, only_when_idle=True),
                Throttle(polling.poll_next, seconds=POLL_SECONDS, only_when_idle=True),
                Throttle(inbound_events.process_next, seconds=POLL_SECONDS, only_when_idle=True),
                Throttle(polling.expire_unwanted, seconds=SLOW_POLL_SECONDS, only_when_idle=True),
                # Not a scheduled task: this costs a read, a scheduled task would cost a write every second.
                Throttle(_seal, seconds=SEAL_SECONDS, only_when_idle=True),
                Throttle(_ScheduledTasks(), seconds=SLOW_POLL_SECONDS, only_when_idle=True),
            ],
        ),
    ]


class Throttle:
    """Runs a job at most once in so many seconds in this worker; between the runs it returns False.

    With `only_when_idle` the pause follows only a run that had no work; after any other run the job may run at once.
    """

    def __init__(self, job: Callable[[], bool], *, seconds: float, only_when_idle: bool = False) -> None:
        self._job = job
        self._seconds = seconds
        self._only_when_idle = only_when_idle
        self._next_at = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._next_at:
            return False
        if not self._only_when_idle:
            self._next_at = time.monotonic() + self._seconds
            return self._job()
        had_work = self._job()
        self._next_at = 0.0 if had_work else time.monotonic() + self._seconds
        return had_work


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
    sealing.seal_all()
    return False  # The rest waits a second, because mail has priority.


class _ScheduledTasks:
    """Runs the next due task. Creates the schedule at the first run, since the database may be away at start."""

    def __init__(self) -> None:
        self.has_schedule = False

    def __call__(self) -> bool:
        if not self.has_schedule:
            schedule.create_missing(TASKS)
            self.has_schedule = True
        return schedule.run_next(TASKS)
