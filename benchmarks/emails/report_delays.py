"""Measures how soon a client's page shows what happened to a mail: reports by mail, and events of a provider.

Also how long many bounces at once take, in a mailbox that people have filled with other mail.
"""

import json
import random
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.instruments import figures
from benchmarks.report import Row
from portico.domain.practices.models import Practice
from portico.plumbing.mail.reports import report_tags
from portico.plumbing.models import DeliveryReport, EmailState, MailStop, OutgoingEmail, ReportMailbox
from sandbox.mailbox import report_writer
from sandbox.mailbox.report_writer import SentMail
from tests import cast
from tests.gateways.anymail import recorded_events
from tests.gateways.anymail.recorded_events import BASIC, Recorded
from tests.support.processes.commands import Processes, url_of_test_database
from tests.support.servers.imap import ImapServer

REPORTS = 150
# The mailbox is read every half minute: the reports are spread over several rounds.
MAILBOX_SECONDS = 150.0
EVENTS = 100
EVENT_SECONDS = 50.0
# Longer than the slowest may take.
MOST_SECONDS = 90.0
BOUNCES, OTHER_MAILS = 5_000, 20_000
OTHER_MAIL = "From: ana@mail.example\nSubject: Hello\n\n" + "A line of a letter.\n" * 50


def measure() -> Iterator[Row]:
    """Measures the time until each report, or event, at a random moment, is applied by an idle worker."""
    with tempfile.TemporaryDirectory(prefix="portico-bench-reports-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            yield from _from_mailbox(processes)
        finally:
            processes.end()
        processes = Processes(Path(folder), url_of_test_database())
        try:
            yield from _from_provider(processes)
        finally:
            processes.end()
        processes = Processes(Path(folder), url_of_test_database())
        try:
            yield from _many(processes)
        finally:
            processes.end()


def _from_mailbox(processes: Processes) -> Iterator[Row]:
    mailbox = ImapServer()
    try:
        emails = _emails("reports", REPORTS)
        processes.worker(REPORT_MAILBOX_URL=mailbox.url).wait_for_line("worker.started")

        def arrive(email: OutgoingEmail) -> None:
            mailbox.folder.add(_bounce(email))

        delays = _delays(emails, MAILBOX_SECONDS, arrive)
    finally:
        mailbox.stop()
    yield _row(f"report in the mailbox to the client's page, {REPORTS} reports, idle worker, elapsed", delays, "40 s")


def _from_provider(processes: Processes) -> Iterator[Row]:
    emails = _emails("events", EVENTS)
    provider = {"EMAIL_URL": "anymail+postmark://token@", "EMAIL_HOOK_SECRET": BASIC}
    site = processes.web(**provider)
    processes.worker(**provider).wait_for_line("worker.started")

    def arrive(email: OutgoingEmail) -> None:
        events = recorded_events.all_events(report_tags.tag_of(email.ref))
        _post(f"{site.url}/hooks/mail/postmark/", next(each for each in events if str(each) == "postmark gone"))

    delays = _delays(emails, EVENT_SECONDS, arrive)
    yield _row(f"provider's event to the client's page, {EVENTS} events, idle worker, elapsed", delays, "5 s")


def _many(processes: Processes) -> Iterator[Row]:
    """Measures the time until each of many bounces is applied, and until a mailbox of other mails was read."""
    mailbox = ImapServer()
    # Another folder than the one read before, although of the same user on the same server.
    mailbox.script.uid_validity += 1
    try:
        emails = _emails("many", BOUNCES)
        for email in emails:
            mailbox.folder.add(_bounce(email))
        began_at = time.monotonic()
        processes.worker(REPORT_MAILBOX_URL=mailbox.url).wait_for_line("worker.started")
        applied = DeliveryReport.objects.filter(email__practice=emails[0].practice_id, applied_at__isnull=False)
        _wait_until(lambda: applied.count() == BOUNCES)
        elapsed = time.monotonic() - began_at
        if MailStop.objects.filter(practice=emails[0].practice_id).count() != BOUNCES:
            raise SystemExit("Not each bounce stopped its mailbox once.")
        yield Row(
            "Mail",
            f"{BOUNCES:,} bounces in the mailbox, read and applied by one worker, elapsed",
            f"{elapsed:.0f} s",
            "60 s",
        )
        for _number in range(OTHER_MAILS):
            mailbox.folder.add(OTHER_MAIL)
        began_at = time.monotonic()
        _wait_until(lambda: ReportMailbox.objects.get().last_uid == BOUNCES + OTHER_MAILS)
        elapsed = time.monotonic() - began_at
        yield Row(
            "Mail", f"{OTHER_MAILS:,} other mails in the mailbox, read by one worker, elapsed", f"{elapsed:.0f} s"
        )
    finally:
        mailbox.stop()


def _wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS * 4
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit("The worker did not reach the end of the mailbox in time.")
        time.sleep(0.2)


def _row(name: str, delays: list[float], limit: str) -> Row:
    p50, p99 = (figures.percentile(delays, percent) for percent in (50, 99))
    return Row("Mail", name, f"p50 {p50:.1f} s, p99 {p99:.1f} s, longest {max(delays):.1f} s", f"p99 {limit}")


def _emails(slug: str, number: int) -> list[OutgoingEmail]:
    """Returns mails that were handed over to a mail server."""
    practice = Practice.objects.create(slug=slug, name="A practice that writes", reply_to="desk@mailing.example")
    emails = [
        cast.invited(cast.client(practice, f"Person {each}", address=f"person.{each}@mail.example")).email
        for each in range(number)
    ]
    now = datetime.now(UTC)
    OutgoingEmail.objects.filter(practice=practice).update(
        state=EmailState.HANDED_OVER, settled_at=now, handing_over_at=now, handed_over_at=now
    )
    return emails


def _delays(emails: list[OutgoingEmail], seconds: float, arrive: Callable[[OutgoingEmail], None]) -> list[float]:
    """Lets something arrive for each mail, at random moments of the period; returns the time until it was applied."""
    draw = random.Random(7)
    began_at, arrived_at = time.monotonic(), dict[int, datetime]()
    for email, moment in zip(emails, sorted(draw.uniform(0, seconds) for _ in emails), strict=True):
        time.sleep(max(0.0, began_at + moment - time.monotonic()))
        arrived_at[email.pk] = datetime.now(UTC)
        arrive(email)
    deadline = time.monotonic() + MOST_SECONDS
    reports = DeliveryReport.objects.filter(email__in=emails, applied_at__isnull=False)
    while reports.count() < len(emails):
        if time.monotonic() > deadline:
            raise SystemExit(f"Only {reports.count()} of {len(emails)} reports were applied.")
        time.sleep(1)
    applied_at = {pk: at for pk, at in reports.values_list("email_id", "applied_at") if at is not None}
    return [(applied_at[pk] - at).total_seconds() for pk, at in arrived_at.items()]


def _bounce(email: OutgoingEmail) -> bytes:
    tag = report_tags.tag_of(email.ref)
    sent = SentMail(
        f"bounces+{tag}@portico.example", email.to_address, tag, wants_success=False, raw=b"Subject: x\r\n\r\n"
    )
    return report_writer.status_report(sent, report_writer.STATUSES["nomailbox"])


def _post(url: str, event: Recorded) -> None:
    body = json.dumps(event.body).encode()
    headers = recorded_events._headers("postmark", body, BASIC) | {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        answer.read()
