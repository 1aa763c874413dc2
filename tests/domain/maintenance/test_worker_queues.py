"""The worker's queues: sign-in mail beside everything else, and delivery reports."""

from django.test import override_settings
from pytest_django.fixtures import Settings

from portico.domain.maintenance.models import ScheduledTask
from portico.domain.maintenance.worker_queues import repeat_while_busy, worker_queues
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.reports import delivery_reports, report_tags
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import AuditEntry, AuditSeal, ReportKind, ReportMailbox, VirusCheck
from portico.plumbing.models.outgoing_emails import EmailState
from portico.plumbing.queue.worker_loop import WorkerQueue
from sandbox.clamd import server as clamd_server
from sandbox.clamd.server import EICAR
from sandbox.postmark import server
from sandbox.postmark.server import Postmark
from tests import cast
from tests.support import files
from tests.support.servers.imap import ImapServer
from tests.support.servers.smtp import SmtpServer


def queue_named(name: str) -> WorkerQueue:
    (found,) = [each for each in worker_queues() if each.name == name]
    return found


def run_round(queue: WorkerQueue) -> bool:
    """Runs every job of the queue once. Returns True if any had work."""
    return True in [job.run(object()) for job in queue.jobs]


def test_sign_in_requests_and_mail_have_their_own_queue() -> None:
    queues = [
        ("entrance", 3),
        ("rest", 6),
        ("bulk mail", 1),
        ("invitation runs", 1),
        ("delivery reports", 1),
        ("tasks", 1),
    ]
    assert [(each.name, len(each.jobs)) for each in worker_queues()] == queues


def test_mail_leaves_by_the_provider_that_the_settings_name(practice: Practice, settings: Settings) -> None:
    email = cast.invited(cast.ana(practice)).email
    postmark = Postmark("a-token", settings.EMAIL_FROM)
    with server.running(postmark) as settings.EMAIL_URL:
        assert run_round(queue_named("rest"))
    (mail,) = postmark.mails
    assert report_tags.refs_in(mail["Metadata"].values()) == (email.ref,)
    email.refresh_from_db()
    assert email.state == EmailState.HANDED_OVER


def test_a_mailbox_of_reports_is_read_in_a_queue_of_its_own(practice: Practice, imap: ImapServer) -> None:
    imap.folder.add("Subject: Hello\n\nA letter.")
    with override_settings(REPORT_MAILBOX_URL=imap.url):
        names = ["entrance", "rest", "bulk mail", "invitation runs", "delivery reports", "tasks", "reports"]
        assert [each.name for each in worker_queues()] == names
        assert not run_round(queue_named("reports"))
    assert ReportMailbox.objects.get().unmatched == 1


def test_files_are_checked_for_viruses_in_a_queue_of_their_own(practice: Practice) -> None:
    clean, infected = (
        files.stored(practice, needs_virus_check=True),
        files.stored(practice, files.pdf(EICAR), needs_virus_check=True),
    )
    with clamd_server.running() as clamd, override_settings(CLAMD_URL=clamd.url):
        queue = queue_named("virus checks")
        assert run_round(queue)
        assert run_round(queue)
        assert not run_round(queue)
    clean.refresh_from_db()
    infected.refresh_from_db()
    assert (clean.virus_check, infected.virus_check) == (VirusCheck.CLEAN, VirusCheck.INFECTED)


def test_delivery_reports_are_applied_in_a_queue_of_their_own(practice: Practice) -> None:
    email = cast.invited(cast.ana(practice)).email
    email.state, email.settled_at, email.handed_over_at = EmailState.HANDED_OVER, clock.now(), clock.now()
    email.save()
    delivery_reports.store([NewReport(email.ref, DSN, "key", ReportKind.RELAYED, clock.now())])
    assert run_round(queue_named("delivery reports"))
    email.refresh_from_db()
    assert email.state == EmailState.DELIVERED
    assert not run_round(queue_named("delivery reports"))


def test_the_rest_sends_mail_seals_and_runs_tasks(practice: Practice, smtp: SmtpServer) -> None:
    cast.invited(cast.ana(practice))
    with override_settings(EMAIL_URL=smtp.url):
        rest = queue_named("rest")
        assert run_round(rest)
        assert run_round(queue_named("tasks"))
    assert len(smtp.mails) == 1
    assert AuditSeal.objects.count() == AuditEntry.objects.count()
    assert ScheduledTask.objects.exclude(done_at=None).exists()


def test_a_queue_without_work_returns_false(practice: Practice) -> None:
    rest = queue_named("rest")
    while run_round(rest):
        pass
    assert not run_round(rest)
    assert not run_round(queue_named("entrance"))


def test_a_job_is_repeated_while_it_has_work() -> None:
    results = [True, True, False, False]
    assert repeat_while_busy(lambda: results.pop(0), seconds=60)()
    assert results == [False]
    assert not repeat_while_busy(lambda: results.pop(0), seconds=60)()


def test_a_busy_job_stops_when_its_time_is_over() -> None:
    results = [True, True]
    assert repeat_while_busy(lambda: results.pop(0), seconds=0)()
    assert results == [True]
