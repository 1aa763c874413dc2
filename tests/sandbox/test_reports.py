"""The demo's mail server reports what became of a mail, as its recipient's address asks."""

import threading
from pathlib import Path

import pytest

from portico.gateways.imap import ImapMailbox
from portico.gateways.imap import parse as mailbox_at
from portico.gateways.smtp import transport
from portico.plumbing import clock
from portico.plumbing.mail.reports import report_parsing, report_tags
from sandbox.mailbox import smtp_server
from sandbox.mailbox.imap_server import ImapServer
from sandbox.mailbox.mail_store import Mailbox
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.sqlite
TAG = report_tags.tag_of("abcdefghij234567")
EXPECTED = {
    "ana@mail.example": [("relayed", "2.0.0", "mx.mail.example")],
    "nomailbox@report.example": [("failed", "5.1.1", "mx.report.example")],
    "full@report.example": [("failed", "5.2.2", "mx.report.example")],
    "blocked@report.example": [("failed", "5.7.26", "mx.report.example")],
    "Slow@Report.example": [("delayed", "4.4.1", "mx.report.example")],
    "spam@report.example": [("relayed", "2.0.0", "mx.report.example"), ("complained", "", "")],
    "away@report.example": [("relayed", "2.0.0", "mx.report.example"), ("auto_replied", "", "")],
}


def send(port: int, recipient: str) -> None:
    with transport.transport(f"smtp://127.0.0.1:{port}").open() as line:
        line.send(
            b"Subject: Hello\r\n\r\nA line.\r\n",
            sender=f"bounces+{TAG}@portico.example",
            recipient=recipient,
            envelope_id=TAG,
        )


def test_the_recipients_address_decides_about_the_report(tmp_path: Path) -> None:
    reports, smtp_port, imap_port = Mailbox(tmp_path / "reports"), free_port(), free_port()
    smtp = smtp_server.server(Mailbox(tmp_path / "mail"), reports, port=smtp_port)
    imap = ImapServer(reports, port=imap_port)
    smtp.start()
    threading.Thread(target=imap.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        for recipient in EXPECTED:
            send(smtp_port, recipient)
        with ImapMailbox(mailbox_at(f"imap://reports:reports@127.0.0.1:{imap_port}")).open() as folder:
            batch = folder.fetch(after_uid=0, limit=50, max_bytes=report_parsing.MAX_BYTES)
    finally:
        smtp.stop()
        imap.stop()
    found = [each for _uid, raw in batch.mails for each in report_parsing.parse(raw, received_at=clock.now())]
    facts = [(report.kind.value, report.status_code, report.remote_server) for report in found]
    assert facts == [fact for expected in EXPECTED.values() for fact in expected]


def test_uids_are_kept_over_a_restart(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        Mailbox(tmp_path).add(text)
    again = Mailbox(tmp_path)
    assert again.uids() == [1, 2]
    assert [again.with_uid(uid) for uid in (1, 2, 3)] == [b"one", b"two", None]
