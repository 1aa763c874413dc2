"""The demo's mailbox: accepts mail over SMTP, and shows it safely and only on this machine."""

import os
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from portico.plumbing.mail import headers
from sandbox.mailbox.mail_store import Mailbox
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.real_processes


@dataclass
class Running:
    process: subprocess.Popen[str]
    smtp_port: int
    http_port: int
    folder: Path

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """Returns the status, body and content security policy of a page."""
        request = urllib.request.Request(f"http://localhost:{self.http_port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers["Content-Security-Policy"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers["Content-Security-Policy"]

    def send(self, subject: str) -> str:
        """Returns the URL of the new mail."""
        before = set(self.folder.glob("*.eml"))
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "portal@example.org", "ana@example.org", subject
        message.set_content("Hello ñ\nhttp://localhost:8000/portal/link/abc.\n<script>1</script>")
        message.add_alternative(
            '<p>Hello <a href="http://localhost:8000/x">in</a><script>1</script></p>', subtype="html"
        )
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="test", timeout=30) as client:
            client.send_message(message)
        (new,) = set(self.folder.glob("*.eml")) - before
        return f"/{new.stem}"


def start(folder: Path, *, demo: str = "1", smtp_port: int | None = None) -> Running:
    smtp_port, http_port = smtp_port or free_port(), free_port()
    options = ("--smtp-port", str(smtp_port), "--http-port", str(http_port), "--folder", str(folder))
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.mailbox", *options],
        env=os.environ | {"PORTICO_DEMO": demo, "PORTICO_TESTS": "0", "PYTHONUNBUFFERED": "1"},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Running(process, smtp_port, http_port, folder)


def stop(running: Running) -> int:
    running.process.terminate()
    running.process.communicate(timeout=30)
    return running.process.returncode


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / "mail")
    assert running.process.stdout is not None
    assert "shown at" in running.process.stdout.readline()
    yield running
    stop(running)


def test_a_mail_is_listed_and_shown_newest_first(mailbox: Running) -> None:
    mailbox.send("First")
    second = mailbox.send("Second <b>")
    status, page, _policy = mailbox.get("/")
    assert status == 200
    assert page.index("Second &lt;b&gt;") < page.index("First")
    _status, page, _policy = mailbox.get(second)
    assert '<a href="http://localhost:8000/portal/link/abc" target="_blank" rel="noopener">' in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert "<th>Delivered-To</th><td>ana@example.org</td>" in page
    assert "Subject: Second" in mailbox.get(f"{second}.eml")[1]


def test_a_mails_html_is_sandboxed(mailbox: Running) -> None:
    _status, html, policy = mailbox.get(f"{mailbox.send('Hello')}/html")
    assert '<a target="_blank" rel="noopener" href="http://localhost:8000/x">' in html
    assert "default-src 'none'; style-src 'unsafe-inline'" in policy
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy


def test_a_long_name_and_subject_are_shown_whole(tmp_path: Path) -> None:
    name = "Praxis für Psychotherapie und Beratung Müller-Lüdenscheidt und Söhne in München"
    raw = headers.mailbox_field("From", name, "a@oak.example") + headers.text_field("Subject", f"{name} =?utf-8?q?A?=")
    mail = Mailbox(tmp_path).keep(raw + b"\r\nHello", sender="a@oak.example", recipients=["josé@oak.example"])
    assert mail.header("From") == f"{name} <a@oak.example>"
    assert mail.header("subject") == f"{name} =?utf-8?q?A?="
    assert mail.header("Delivered-To") == "josé@oak.example"
    assert mail.header("Reply-To") == ""


@pytest.mark.parametrize("path", ["/nothing", "/../../etc/passwd", "/20260101T000000Z-000001", "/%00", "/%ff"])
def test_unknown_mails_are_404(mailbox: Running, path: str) -> None:
    assert mailbox.get(path)[0] == 404


def test_requests_under_other_hosts_are_refused(mailbox: Running) -> None:
    mailbox.send("Secret")
    status, body, _policy = mailbox.get("/", Host=f"evil.example:{mailbox.http_port}")
    assert status == 421
    assert "Secret" not in body


def test_mails_survive_a_restart(mailbox: Running) -> None:
    mailbox.send("Kept")
    assert stop(mailbox) == 0
    again = start(mailbox.folder)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                assert "Kept" in again.get("/")[1]
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail("The mailbox did not come back.")
    finally:
        stop(again)


def test_it_refuses_to_start_outside_the_demo(mailbox: Running, tmp_path: Path) -> None:
    alone = start(tmp_path / "other", demo="0")
    output, _ = alone.process.communicate(timeout=30)
    assert (alone.process.returncode, "PORTICO_DEMO=1" in output) == (1, True)
    second = start(tmp_path / "other", smtp_port=mailbox.smtp_port)
    output, _ = second.process.communicate(timeout=30)
    assert (second.process.returncode, f"cannot use port {mailbox.smtp_port}" in output) == (1, True)


def test_an_unknown_recipient_is_rejected(mailbox: Running) -> None:
    with (
        smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=30) as smtp,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refusal,
    ):
        smtp.sendmail("portal@portico.example", "gale@bounce.example", "Subject: Hello\n\nHello")
    assert refusal.value.recipients["gale@bounce.example"] == (550, b"5.1.1 There is no such mailbox here")
