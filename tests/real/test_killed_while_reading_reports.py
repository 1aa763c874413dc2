"""Workers killed while they read, store and apply delivery reports: nothing is lost or doubled.

Two are killed at the same time: at each moment once by default, fifty workers in `make thorough`, or as many as
`--kills=300` says.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from math import ceil

import pytest
from django.db import connection, transaction

from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.audit_actions import MailAction
from portico.plumbing.mail.reports import report_tags
from portico.plumbing.models import AuditEntry, DeliveryReport, EmailEvent, MailStop, OutgoingEmail, ReportMailbox
from portico.plumbing.models.outgoing_emails import EmailEventKind, EmailState
from sandbox.mailbox import report_writer
from sandbox.mailbox.report_writer import SentMail
from tests import cast
from tests.support.at_once import WAITING
from tests.support.at_random import kills
from tests.support.processes.commands import Process, Processes
from tests.support.servers.imap import ImapServer
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.postgresql]

SIDE_BY_SIDE = 2
KILLS, KILLS_OF_A_WHOLE_RUN = 8, 50
# By the recipient of the reported mail, as the sandbox's mail server answers.
STATES = {
    "ana@report.example": EmailState.DELIVERED,
    "nomailbox@report.example": EmailState.BOUNCED,
    "full@report.example": EmailState.FAILED,
}
EVENTS = (EmailEventKind.ACCEPTED, EmailEventKind.BOUNCED)


@dataclass
class Scene:
    """Mails that were sent, and the mailbox in which the reports about them arrive."""

    practice: Practice
    imap: ImapServer
    expected: dict[str, EmailState] = field(default_factory=dict)

    def new_reports(self) -> list[OutgoingEmail]:
        """Sends a mail for each outcome, to a client of its own; their reports arrive in the mailbox."""
        emails = []
        for recipient, state in STATES.items():
            number = len(self.expected)
            client = cast.client(self.practice, f"Person {number}", address=f"person{number}@mail.example")
            email = cast.invited(client).email
            now = clock.now()
            OutgoingEmail.objects.filter(pk=email.pk).update(
                state=EmailState.HANDED_OVER, settled_at=now, handing_over_at=now, handed_over_at=now
            )
            tag = report_tags.tag_of(email.ref)
            mail = SentMail(
                f"bounces+{tag}@x.example", recipient, tag, wants_success=True, raw=b"Subject: Hello\r\n\r\n"
            )
            for report in report_writer.reports_for(mail):
                self.imap.folder.add(report)
            self.expected[email.ref] = state
            emails.append(email)
        return emails


type Moment = Callable[[Scene, Callable[[], list[Process]]], AbstractContextManager[list[Process]]]


# A worker reads the mailbox when it starts. Each of these yields the workers at the moment at which they are killed.


@contextmanager
def while_one_reads(scene: Scene, start: Callable[[], list[Process]]) -> Iterator[list[Process]]:
    before = scene.imap.script.logins
    scene.new_reports()
    scene.imap.script.hangs_at = "FETCH"
    workers = start()
    until(lambda: scene.imap.script.logins > before)
    yield workers
    scene.imap.script.hangs_at = None


@contextmanager
def while_one_stores(scene: Scene, start: Callable[[], list[Process]]) -> Iterator[list[Process]]:
    """The new reports refer to a mail that is locked as if it were to be deleted."""
    email = scene.new_reports()[-1]
    with transaction.atomic():
        OutgoingEmail.objects.select_for_update().get(pk=email.pk)
        workers = start()
        until(lambda: waiting_for_locks() > 0)
        yield workers


@contextmanager
def while_one_applies(scene: Scene, start: Callable[[], list[Process]]) -> Iterator[list[Process]]:
    email = scene.new_reports()[1]
    with transaction.atomic():
        OutgoingEmail.objects.locked().get(pk=email.pk)
        workers = start()
        until(lambda: waiting_for_locks() > 0)
        yield workers


@contextmanager
def at_any_moment(scene: Scene, start: Callable[[], list[Process]]) -> Iterator[list[Process]]:
    scene.new_reports()
    workers = start()
    for worker in workers:
        worker.wait_for_line("worker.started")
    time.sleep(random.uniform(0, 0.5))  # Random, but no secret.
    yield workers


MOMENTS: tuple[Moment, ...] = (while_one_reads, while_one_stores, while_one_applies, at_any_moment)


def test_killed_workers_lose_and_double_no_report(
    processes: Processes, smtp: SmtpServer, imap: ImapServer, pytestconfig: pytest.Config
) -> None:
    scene = Scene(cast.alder(), imap)
    number = ceil(kills(pytestconfig, usual=KILLS, whole=KILLS_OF_A_WHOLE_RUN) / SIDE_BY_SIDE)

    def start() -> Process:
        return processes.worker(EMAIL_URL=smtp.url, REPORT_MAILBOX_URL=imap.url)

    for moment in islice(cycle(MOMENTS), number):
        release_what_the_dead_held()
        with moment(scene, lambda: [start() for _worker in range(SIDE_BY_SIDE)]) as workers:
            for worker in workers:
                worker.kill()
    release_what_the_dead_held()
    applied = DeliveryReport.objects.filter(applied_at__isnull=False)
    start().wait_for(lambda: applied.count() == len(scene.expected))
    assert DeliveryReport.objects.count() == len(imap.folder.mails) == len(scene.expected)
    assert dict(OutgoingEmail.objects.values_list("ref", "state")) == scene.expected
    for email in OutgoingEmail.objects.all():
        assert EmailEvent.objects.filter(email=email, kind__in=EVENTS).count() == 1
    bounced = list(scene.expected.values()).count(EmailState.BOUNCED)
    assert MailStop.objects.live().count() == MailStop.objects.count() == bounced
    assert AuditEntry.objects.filter(action=MailAction.MAILBOX_STOPPED).count() == bounced
    assert ReportMailbox.objects.get().last_uid == len(scene.expected)


def release_what_the_dead_held() -> None:
    """Ends leases and pauses, as a minute would."""
    ReportMailbox.objects.update(lease_until=None, read_at=None)
    DeliveryReport.objects.waiting().update(lease_until=None, not_before=None)


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        row: tuple[int] = cursor.fetchone()
    return row[0]


def until(what: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "The moment did not come."
        time.sleep(0.02)
