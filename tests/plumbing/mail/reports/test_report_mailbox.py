"""Delivery reports are read from a mailbox once each, by one worker at a time, and trouble is remembered."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings
from time_machine import Traveller

from portico.gateways.imap import Batch, ImapFolder, ImapMailbox, parse
from portico.plumbing import clock
from portico.plumbing.mail.reports import (
    delivery_reports,
    report_mailbox,
    report_mailbox_health,
    report_parsing,
    report_tags,
)
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportMailbox
from sandbox.mailbox import report_writer
from sandbox.mailbox.imap_server import Step
from sandbox.mailbox.report_writer import SentMail
from tests.plumbing.mail_messages import an_email
from tests.support.at_once import at_once, errors
from tests.support.servers.imap import ImapServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note"), pytest.mark.both_databases]


def sent(email: OutgoingEmail, recipient: str = "nomailbox@report.example") -> SentMail:
    tag = report_tags.tag_of(email.ref)
    return SentMail(
        f"bounces+{tag}@portico.example", recipient, tag, wants_success=True, raw=b"Subject: Hello\r\n\r\nx"
    )


def a_bounce(email: OutgoingEmail) -> bytes:
    (report,) = report_writer.reports_for(sent(email))
    return report


def read(imap: ImapServer) -> bool:
    return report_mailbox.read_new(ImapMailbox(parse(imap.url)))


def row() -> ReportMailbox:
    return ReportMailbox.objects.get()


def read_again(imap: ImapServer, stopped_clock: Traveller) -> bool:
    stopped_clock.shift(report_mailbox.MIN_PAUSE)
    return read(imap)


def test_a_hostile_mailbox_is_recorded_and_does_not_stop_the_worker(imap: ImapServer) -> None:
    imap.script.uid_validity = 10**30
    assert not read(imap)
    assert "above 4294967295" in row().problem


def test_reports_are_stored_and_the_rest_is_counted(imap: ImapServer) -> None:
    email = an_email()
    for mail in (a_bounce(email), "Subject: Hi\n\nA letter.", a_bounce(OutgoingEmail(ref="abcdefghij234567"))):
        imap.folder.add(mail)
    assert not read(imap)
    report = DeliveryReport.objects.get()
    assert (report.email, report.kind, report.status_code, report.source) == (email, "failed", "5.1.1", "dsn")
    state = row()
    assert (state.uid_validity, state.last_uid, state.unmatched, state.problem) == (1, 3, 2, "")
    assert (state.lease_until, state.read_at) == (None, clock.now())


@pytest.mark.parametrize("by_pipe", [False, True])
def test_a_mail_about_several_recipients_is_counted_once(imap: ImapServer, by_pipe: bool) -> None:  # noqa: FBT001  A parameter.
    block = b"Final-Recipient: rfc822; carol@report.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    mail = a_bounce(OutgoingEmail(ref="abcdefghij234567")).replace(b"Final-Recipient:", block + b"Final-Recipient:", 1)
    assert len(report_parsing.parse(mail, received_at=clock.now())) == 2
    if by_pipe:
        report_mailbox.receive(mail)
    else:
        imap.folder.add(mail)
        read(imap)
    assert row().unmatched == 1


def test_only_new_mails_are_fetched(imap: ImapServer, stopped_clock: Traveller) -> None:
    email = an_email()
    imap.folder.add(a_bounce(email))
    read(imap)
    imap.folder.add("Subject: Hi\n\nA letter.")
    read_again(imap, stopped_clock)
    assert imap.script.fetched == [1, 2]
    assert (DeliveryReport.objects.count(), row().unmatched) == (1, 1)


def test_new_uids_double_nothing(imap: ImapServer, stopped_clock: Traveller) -> None:
    first, second = an_email("note:1"), an_email("note:2")
    imap.folder.add(a_bounce(first))
    read(imap)
    imap.script.uid_validity = 2
    imap.folder.mails = {1: b"Subject: x\r\n\r\n", 8: imap.folder.mails[1]}
    imap.folder.add(a_bounce(second))
    read_again(imap, stopped_clock)
    assert {report.email for report in DeliveryReport.objects.all()} == {first, second}
    assert DeliveryReport.objects.count() == 2
    assert (row().uid_validity, row().last_uid) == (2, 9)


def test_another_mailbox_is_read_from_its_beginning(
    imap: ImapServer, imap_server: Callable[[], ImapServer], stopped_clock: Traveller
) -> None:
    other = imap_server()
    other.script.user = "bounces"
    for _ in range(3):
        imap.folder.add("Subject: Hi\n\nA letter.")
    read(imap)
    other.folder.add(a_bounce(an_email()))
    read_again(other, stopped_clock)
    assert (DeliveryReport.objects.count(), row().last_uid) == (1, 1)


def test_a_full_mailbox_is_read_in_batches(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_mailbox, "READING_SECONDS", 0.0)
    for _ in range(report_mailbox.BATCH_SIZE * 2 + 1):
        imap.folder.add("Subject: Hi\n\nA letter.")
    # A worker that ends the reading early has more to do, and is not held up.
    assert [read(imap) for _ in range(4)] == [True, True, False, False]
    assert (row().unmatched, imap.script.logins) == (41, 3)


def test_a_recent_reading_is_not_repeated(imap: ImapServer, stopped_clock: Traveller) -> None:
    read(imap)
    stopped_clock.shift(report_mailbox.MIN_PAUSE - timedelta(seconds=1))
    read(imap)
    assert imap.script.logins == 1


def test_a_reading_from_the_future_is_repeated(imap: ImapServer, stopped_clock: Traveller) -> None:
    ReportMailbox.objects.create(
        pk=1, read_at=clock.now() + timedelta(days=1), lease_until=clock.now() + timedelta(days=1)
    )
    read(imap)
    assert imap.script.logins == 1


@pytest.mark.parametrize("step", ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH"])
def test_trouble_is_remembered_until_it_is_over(imap: ImapServer, stopped_clock: Traveller, step: Step) -> None:
    imap.folder.add(a_bounce(an_email()))
    imap.script.refuses_at = step
    began_at = clock.now()
    assert not read(imap)
    assert not read_again(imap, stopped_clock)
    state = row()
    assert state.problem
    assert (state.problem_since, state.lease_until, state.last_uid) == (began_at, None, 0)
    imap.script.refuses_at = None
    read_again(imap, stopped_clock)
    assert (row().problem, row().problem_since, DeliveryReport.objects.count()) == ("", None, 1)


def test_trouble_is_told_after_an_hour(imap: ImapServer, stopped_clock: Traveller, settings: Settings) -> None:
    settings.REPORT_MAILBOX_URL = imap.url
    imap.script.refuses_at = "LOGIN"
    read(imap)
    stopped_clock.shift(timedelta(minutes=59))
    assert report_mailbox_health.current_problem() is None
    stopped_clock.shift(timedelta(minutes=1))
    problem = report_mailbox_health.current_problem()
    assert problem is not None
    assert (problem.since, "Not now" in problem.words) == (row().problem_since, True)
    settings.REPORT_MAILBOX_URL = ""
    assert report_mailbox_health.current_problem() is None


def test_a_crash_stores_neither_reports_nor_position(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    imap.folder.add(a_bounce(an_email()))

    def die(_reports: object) -> int:
        raise OperationalError("The database went away.")

    with monkeypatch.context() as patch:
        patch.setattr(delivery_reports, "store", die)
        with pytest.raises(OperationalError):
            read(imap)
    assert (row().last_uid, DeliveryReport.objects.count()) == (0, 0)
    # Its lease ends by itself.
    assert not read(imap)
    ReportMailbox.objects.update(lease_until=clock.now())
    read(imap)
    assert (row().last_uid, DeliveryReport.objects.count()) == (1, 1)


def test_a_worker_that_lost_its_lease_stores_nothing(imap: ImapServer) -> None:
    imap.folder.add(a_bounce(an_email()))
    mailbox = ImapMailbox(parse(imap.url))

    class Slow:
        key = mailbox.key

        @contextmanager
        def open(self) -> Iterator[ImapFolder]:
            with mailbox.open() as folder:
                ReportMailbox.objects.update(attempts=9)  # Another worker has claimed it meanwhile.
                yield folder

    assert not report_mailbox.read_new(Slow())
    assert (row().last_uid, DeliveryReport.objects.count(), row().read_at) == (0, 0, None)


class Together:
    """A mailbox whose readers each wait for the other before they fetch."""

    def __init__(self, imap: ImapServer) -> None:
        self.real = ImapMailbox(parse(imap.url))
        self.key = self.real.key
        self.readers = 0

    @contextmanager
    def open(self) -> "Iterator[Together]":
        with self.real.open() as folder:
            self.folder, self.uid_validity = folder, folder.uid_validity
            self.readers += 1
            until = time.monotonic() + 1
            while self.readers < 2 and time.monotonic() < until:
                time.sleep(0.01)
            yield self

    def fetch(self, *, after_uid: int, limit: int, max_bytes: int) -> Batch:
        with self.real.open() as folder:
            return folder.fetch(after_uid=after_uid, limit=limit, max_bytes=max_bytes)


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_read_one_mailbox_together(imap: ImapServer) -> None:
    imap.folder.add("Subject: Hi\n\nA letter.")
    mailbox = Together(imap)
    results = at_once(*[lambda: report_mailbox.read_new(mailbox)] * 2)
    assert errors(results) == []
    assert (mailbox.readers, row().unmatched) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lease_two_workers_read_together(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ReportMailbox.objects.create(pk=1)
    imap.folder.add("Subject: Hi\n\nA letter.")
    monkeypatch.setattr(report_mailbox, "_claim", row)
    mailbox = Together(imap)
    assert errors(at_once(*[lambda: report_mailbox.read_new(mailbox)] * 2)) == []
    assert (mailbox.readers, row().unmatched) == (2, 2)


def test_a_batch_of_reports_takes_few_queries(imap: ImapServer) -> None:
    for number in range(10):
        imap.folder.add(a_bounce(an_email(f"note:{number}")))
    with_queries = []
    connection.force_debug_cursor = True
    try:
        before = len(connection.queries_log)
        read(imap)
        with_queries = list(connection.queries_log)[before:]
    finally:
        connection.force_debug_cursor = False
    assert DeliveryReport.objects.count() == 10
    # Claim (read and lease), position, refs, numbers, insert, release; and savepoints of the test's transaction.
    assert len([each for each in with_queries if "SAVEPOINT" not in each["sql"]]) <= 9
