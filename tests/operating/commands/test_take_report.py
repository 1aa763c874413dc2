"""`portico take-report` stores the report in one mail, and never makes the mail server bounce it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from portico.domain.practices.models import Practice
from portico.plumbing.mail.reports import report_mailbox, report_parsing, report_tags
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportMailbox
from sandbox.mailbox import report_writer
from sandbox.mailbox.report_writer import SentMail
from tests import cast
from tests.environment import TEST_ENVIRONMENT

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


def an_email(practice: Practice) -> OutgoingEmail:
    cast.invited(cast.ana(practice))
    return OutgoingEmail.objects.get()


def a_bounce(email: OutgoingEmail) -> bytes:
    tag = report_tags.tag_of(email.ref)
    mail = SentMail(f"b+{tag}@x.example", "full@report.example", tag, wants_success=True, raw=b"Subject: Hello\r\n\r\n")
    return report_writer.reports_for(mail)[0]


def take(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> io.BytesIO:
    pipe = io.BytesIO(raw)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
    call_command("take_report")
    return pipe


def test_a_report_is_stored_once(monkeypatch: pytest.MonkeyPatch, practice: Practice) -> None:
    email = an_email(practice)
    raw = a_bounce(email)
    take(monkeypatch, raw)
    take(monkeypatch, raw)
    report = DeliveryReport.objects.get()
    assert (report.email, report.status_code, report.words) == (email, "5.2.2", "552 5.2.2 The mailbox is full")
    assert ReportMailbox.objects.get().unmatched == 0


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"Subject: Hello\n\nA letter."])
def test_other_mails_are_counted(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    take(monkeypatch, raw)
    assert (ReportMailbox.objects.get().unmatched, DeliveryReport.objects.count()) == (1, 0)


def test_a_report_about_an_unknown_mail_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    take(monkeypatch, a_bounce(OutgoingEmail(ref="abcdefghij234567")))
    assert ReportMailbox.objects.get().unmatched == 1


def test_a_long_mail_is_read_to_its_end_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    monkeypatch.setattr(report_mailbox, "receive", received.append)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe := io.BytesIO(b"a" * 1_000_000)))
    call_command("take_report")
    assert [len(raw) for raw in received] == [report_parsing.MAX_BYTES]
    assert pipe.read() == b""


def test_the_mail_server_retries_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_raw: bytes) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(report_mailbox, "receive", fail)
    with pytest.raises(CommandError) as refused:
        take(monkeypatch, b"")
    assert refused.value.returncode == os.EX_TEMPFAIL


@pytest.mark.real_processes
@pytest.mark.sqlite
@pytest.mark.parametrize(("changes", "words"), [({}, "portico migrate"), ({"SECRET_KEY": ""}, "SECRET_KEY is missing")])
def test_the_mail_server_retries_until_it_is_set_up(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portico", "take-report"],
        input=b"Subject: Hello\n\n", cwd=ROOT, capture_output=True, timeout=60, check=False,
        env=os.environ | TEST_ENVIRONMENT | {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"} | changes,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (75, b"")
    assert words in done.stderr.decode()
