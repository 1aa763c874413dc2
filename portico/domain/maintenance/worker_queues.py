"""What `portico worker` does: the mails, the events from outside, the trail's seals and the chores, in two lanes."""

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
from portico.plumbing.models.outgoing_emails import MailQueue as MailLane
from portico.plumbing.queue.worker_loop import WorkerQueue

# In a rush, asks that come within this are answered together: a round costs nearly as much for one as for ten.
GATHERING_SECONDS = 0.1
# Most of what an idle worker costs is looking for work: what is not a mail is looked for less often.
SECONDS_BETWEEN_GLANCES = 0.5
SECONDS_BETWEEN_SEALS = 1.0
SECONDS_BETWEEN_LOOKS = 5.0
# Looking for asks between any two mails would cost a tenth of a mail more; an ask waits no longer than this for it.
MAILING_SECONDS = 0.1


def worker_queues() -> list[WorkerQueue]:
    """Asks and sign-in mail have a lane of their own: whatever is slow in the other never delays them."""
    transport = SmtpTransport(server_url.parse(settings.EMAIL_URL))
    return [
        WorkerQueue(
            "entrance",
            [
                spaced(request_worker.process_next, seconds=GATHERING_SECONDS),
                paced(password_reset.process_next, seconds=SECONDS_BETWEEN_GLANCES),
                again_while(partial(delivery.deliver_next, MailLane.ENTRANCE, transport), seconds=MAILING_SECONDS),
            ],
        ),
        WorkerQueue(
            "rest",
            [
                partial(delivery.deliver_next, MailLane.REST, transport),
                paced(invoice_sharing.continue_next_run, seconds=SECONDS_BETWEEN_GLANCES),
                paced(polling.poll_next, seconds=SECONDS_BETWEEN_GLANCES),
                paced(inbound_events.process_next, seconds=SECONDS_BETWEEN_GLANCES),
                paced(polling.expire_unwanted, seconds=SECONDS_BETWEEN_LOOKS),
                # Not on the timetable: looking costs a read, a turn would cost a write every second.
                paced(_seal, seconds=SECONDS_BETWEEN_SEALS),
                paced(_Chores(), seconds=SECONDS_BETWEEN_LOOKS),
            ],
        ),
    ]


def paced(job: Callable[[], bool], *, seconds: float) -> Callable[[], bool]:
    """The job, done at most once in so many seconds by this worker, and at once again after it had work."""
    next_at = 0.0

    def job_in_time() -> bool:
        nonlocal next_at
        if time.monotonic() < next_at:
            return False
        did_something = job()
        next_at = 0.0 if did_something else time.monotonic() + seconds
        return did_something

    return job_in_time


def spaced(job: Callable[[], bool], *, seconds: float) -> Callable[[], bool]:
    """The job, begun at most once in so many seconds by this worker, however much work there is."""
    next_at = 0.0

    def job_by_itself() -> bool:
        nonlocal next_at
        if time.monotonic() < next_at:
            return False
        next_at = time.monotonic() + seconds
        return job()

    return job_by_itself


def again_while(job: Callable[[], bool], *, seconds: float) -> Callable[[], bool]:
    """The job, begun again and again within so many seconds while it has work."""

    def job_again() -> bool:
        until = time.monotonic() + seconds
        did_something = job()
        while did_something and time.monotonic() < until and job():
            pass
        return did_something

    return job_again


def _seal() -> bool:
    sealing.seal_all()
    return False  # What is left waits a second: mails come first.


class _Chores:
    """The timetable is written when the worker first looks at it; the database may have been away before."""

    def __init__(self) -> None:
        self.is_posted = False

    def __call__(self) -> bool:
        if not self.is_posted:
            schedule.create_missing(TASKS)
            self.is_posted = True
        return schedule.run_next(TASKS)
