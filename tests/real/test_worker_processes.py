"""The worker: mails are sent once, whatever happens to the mail server or the worker."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db import transaction

from portico.domain.access.models import Invitation
from portico.domain.practices.models import Practice
from portico.gateways.smtp import transport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import AuditEntry, AuditSeal, OutgoingEmail, ReportMailbox
from portico.plumbing.queue import worker_loop
from sandbox.mailbox import imap_server, smtp_server
from sandbox.mailbox.mail_store import Mailbox
from tests import cast
from tests.support.processes.commands import Process, Processes
from tests.support.servers.imap import ImapServer
from tests.support.servers.ports import free_port
from tests.support.servers.smtp import Mail, SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow]

BACK_SECONDS = 60


def invitations(count: int, practice: Practice | None = None) -> list[Invitation]:
    practice = practice or cast.alder()
    people = [cast.client(practice, f"Ana {number}", address=f"ana{number}@mail.example") for number in range(count)]
    return [cast.invited(person) for person in people]


def states() -> Counter[str]:
    return Counter(OutgoingEmail.objects.values_list("state", flat=True))


def wait_for_states(worker: Process, seconds: float = BACK_SECONDS, **expected: int) -> None:
    worker.wait_for(lambda: states() == Counter(expected), seconds=seconds)


def ids(mails: Iterable[Mail]) -> list[str]:
    return [str(mail.message["Message-ID"]) for mail in mails]


def link_in(mail: Mail) -> str:
    (link,) = re.findall(r"/link/[\w-]{43}/", mail.text())
    return str(link)


@pytest.mark.both_databases
def test_two_workers_send_each_mail_once(processes: Processes, smtp: SmtpServer) -> None:
    invitations(30)
    workers = [processes.worker(EMAIL_URL=smtp.url) for _ in range(2)]
    wait_for_states(workers[0], handed_over=30)
    assert len(set(ids(smtp.mails))) == len(smtp.mails) == 30
    workers[0].wait_for(lambda: AuditSeal.objects.count() == AuditEntry.objects.count())
    assert [worker.stop() for worker in workers] == [0, 0]


@pytest.mark.both_databases
def test_a_commit_wakes_a_worker_that_sends_the_mail(processes: Processes, smtp: SmtpServer) -> None:
    for worker in [processes.worker(EMAIL_URL=smtp.url) for _ in range(2)]:
        worker.wait_for_line("worker.started")
    practice, waits = cast.alder(), []
    for number in range(20):
        person = cast.client(practice, "Ana", address=f"ana{number}@mail.example")
        cast.invited(person)
        committed_at = time.monotonic()
        smtp.wait_for(number + 1)
        waits.append(time.monotonic() - committed_at)
    # Without the commit that wakes a worker, half of them would wait longer.
    assert sorted(waits)[10] < worker_loop.LOOK_AGAIN_SECONDS / 2, waits


def test_mails_are_sent_after_an_outage(processes: Processes, smtp: SmtpServer) -> None:
    smtp.stop()
    invitations(5)
    worker = processes.worker(EMAIL_URL=smtp.url)
    wait_for_states(worker, delayed=5)
    mail = OutgoingEmail.objects.first()
    assert mail is not None
    assert (mail.reason, mail.delayed_by) == ("Our mail server cannot be reached.", "ours")
    time.sleep(3)
    smtp.start()
    wait_for_states(worker, handed_over=5)
    assert len(set(ids(smtp.mails))) == len(smtp.mails) == 5


def test_a_rejected_login_delays_mails_with_a_reason(processes: Processes, smtp: SmtpServer) -> None:
    smtp.refuse("login", "535 5.7.8 Bad credentials")
    invitations(3)
    worker = processes.worker(EMAIL_URL=smtp.url_with_login)
    wait_for_states(worker, delayed=3)
    reasons = set(OutgoingEmail.objects.values_list("reason", flat=True))
    assert reasons == {"Our mail server rejected our username or password."}
    smtp.accept()
    wait_for_states(worker, handed_over=3)
    assert len(smtp.mails) == 3
    assert "secret" not in worker.log()


def test_a_rejected_recipient_does_not_block_others(processes: Processes, smtp: SmtpServer) -> None:
    smtp.refuse("recipient", "550 5.1.1 No such user", to="ana1@mail.example")
    sent = invitations(3)
    worker = processes.worker(EMAIL_URL=smtp.url)
    wait_for_states(worker, handed_over=2, bounced=1)
    sent[1].client.refresh_from_db()
    assert (sent[1].client.portal_state, sent[1].client.portal_reason) == ("needs_attention", "mail_stopped")
    assert sorted(mail.recipient for mail in smtp.mails) == ["ana0@mail.example", "ana2@mail.example"]


def test_a_lost_reply_causes_at_most_one_copy(processes: Processes, smtp: SmtpServer) -> None:
    smtp.lose_answer()
    invitations(1)
    worker = processes.worker(EMAIL_URL=smtp.url)
    wait_for_states(worker, handed_over=1)
    first, second = smtp.mails
    assert ids([first]) == ids([second])
    assert link_in(first) == link_in(second)


def test_a_stopping_worker_finishes_its_mail(processes: Processes, smtp: SmtpServer) -> None:
    smtp.be_slow(3)
    invitations(2)
    worker = processes.worker(EMAIL_URL=smtp.url)
    worker.wait_for(lambda: OutgoingEmail.objects.exclude(handing_over_at=None).exists())
    assert worker.stop() == 0
    assert "worker.stopped" in worker.log()
    assert states() == {"handed_over": 1, "queued": 1}
    assert len(smtp.mails) == 1


@pytest.mark.both_databases
def test_a_worker_killed_after_sending_causes_one_copy(processes: Processes, smtp: SmtpServer) -> None:
    smtp.be_slow(2)
    invitations(1)
    worker = processes.worker(EMAIL_URL=smtp.url)
    worker.wait_for(lambda: OutgoingEmail.objects.exclude(handing_over_at=None).exists())
    with transaction.atomic():
        OutgoingEmail.objects.locked().get()  # From here on the worker cannot save outcomes.
        smtp.wait_for(1)
        time.sleep(0.5)
        worker.kill()
    row = OutgoingEmail.objects.get()
    assert (row.state, row.handed_over_at) == ("queued", None)
    began_at = row.handing_over_at
    smtp.accept()
    # No other worker claims it while the dead worker's lease lasts.
    other = processes.worker(EMAIL_URL=smtp.url)
    other.wait_for_line("worker.started")
    time.sleep(1)
    assert len(smtp.mails) == 1
    OutgoingEmail.objects.update(lease_until=clock.now())
    wait_for_states(other, handed_over=1)
    first, second = smtp.mails
    assert ids([first]) == ids([second])
    assert link_in(first) == link_in(second)
    assert OutgoingEmail.objects.get().handing_over_at == began_at


@pytest.mark.both_databases
def test_a_worker_killed_in_a_batch_causes_one_copy(processes: Processes, smtp: SmtpServer) -> None:
    smtp.be_slow(0.05)
    invitations(12)
    worker = processes.worker(EMAIL_URL=smtp.url)
    smtp.wait_for(3)
    worker.kill()
    OutgoingEmail.objects.filter(settled_at=None).update(lease_until=None)
    other = processes.worker(EMAIL_URL=smtp.url)
    wait_for_states(other, handed_over=12)
    copies = sorted(Counter(ids(smtp.mails)).values())
    assert len(copies) == 12
    assert copies[:-1] == [1] * 11
    assert copies[-1] <= 2


def test_every_line_of_the_log_is_json(processes: Processes, smtp: SmtpServer) -> None:
    invitations(1)
    worker = processes.worker(EMAIL_URL=smtp.url)
    wait_for_states(worker, handed_over=1)
    assert worker.stop() == 0
    assert all(line.startswith('{"at": ') for line in worker.log().splitlines())
    assert "ana0@mail.example" not in worker.log()


def test_a_hanging_mailbox_of_reports_delays_no_mail(processes: Processes, smtp: SmtpServer, imap: ImapServer) -> None:
    imap.script.hangs_at, imap.script.password = "LOGIN", "hunter2"
    worker = processes.worker(EMAIL_URL=smtp.url, REPORT_MAILBOX_URL=imap.url)
    worker.wait_for(lambda: ReportMailbox.objects.filter(lease_until__isnull=False).exists())
    invitations(3)
    wait_for_states(worker, handed_over=3)
    # The worker still waits for the mailbox.
    assert ReportMailbox.objects.get().lease_until is not None
    worker.kill()
    assert "hunter2" not in worker.log()


def test_what_became_of_a_mail_comes_back(processes: Processes, tmp_path: Path) -> None:
    reports, smtp_port, imap_port = Mailbox(tmp_path / "reports"), free_port(), free_port()
    smtp = smtp_server.server(Mailbox(tmp_path / "mail"), reports, port=smtp_port)
    mailbox = imap_server.ImapServer(reports, port=imap_port)
    smtp.start()
    threading.Thread(target=mailbox.serve_forever, daemon=True).start()
    try:
        practice = cast.alder()
        for address in ("ana@mail.example", "nomailbox@report.example", "spam@report.example"):
            cast.invited(cast.client(practice, "Ana", address=address))
        url = f"smtp://127.0.0.1:{smtp_port}"
        assert delivery.deliver_next("rest", transport.transport(url))
        worker = processes.worker(
            EMAIL_URL=url, REPORT_MAILBOX_URL=f"imap://reports:reports@127.0.0.1:{imap_port}/INBOX"
        )
        wait_for_states(worker, delivered=1, bounced=1, complained=1)
    finally:
        smtp.stop()
        mailbox.stop()
    bounced = OutgoingEmail.objects.get(state="bounced")
    assert bounced.to_address == "nomailbox@report.example"
    assert bounced.detail == "550 5.1.1 There is no such mailbox here"
