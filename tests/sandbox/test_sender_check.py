"""The demo plays the whole sender check: a test email is signed, delivered, judged, and comes back."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from pytest_django.fixtures import Settings

from portico.domain.maintenance.models import CheckName, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import check_mail, checking
from portico.domain.practices.models import Practice
from portico.gateways import mail_transport
from portico.gateways.dns import DnsServer
from portico.gateways.imap import ImapMailbox, parse
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import report_application, report_mailbox
from portico.plumbing.models import MailQueue
from portico.plumbing.queue.leases import PracticesInTurn
from sandbox.dns import server as dns_server
from sandbox.dns.server import Records
from sandbox.mailbox import smtp_server
from sandbox.mailbox.imap_server import ImapServer
from sandbox.mailbox.mail_store import Mailbox
from sandbox.mailbox.signing import Signer
from tests.support.servers.ports import free_port

REPORTS = "bounces@portico.example"


@contextmanager
def mail_servers(folder: Path, signer: Signer) -> Iterator[tuple[int, int]]:
    """Yields the ports of SMTP and IMAP."""
    reports, smtp_port, imap_port = Mailbox(folder / "reports"), free_port(), free_port()
    smtp = smtp_server.server(Mailbox(folder / "mail"), reports, port=smtp_port, signer=signer)
    imap = ImapServer(reports, port=imap_port)
    smtp.start()
    threading.Thread(target=imap.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield smtp_port, imap_port
    finally:
        smtp.stop()
        imap.stop()


@pytest.mark.django_db
def test_a_test_email_makes_dkim_known(practice: Practice, settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_RETURN_PATH, settings.DKIM_SELECTORS = REPORTS, ()
    domain = checking.sender_domain()
    signer = Signer(domain)
    records = Records(dict(dns_server.demo_records(domain, f"mail.{domain}")))
    records.set(signer.host, TXT=[signer.record])
    with mail_servers(tmp_path, signer) as (smtp_port, imap_port), dns_server.running(records) as names:
        settings.DNS_SERVER = DnsServer("127.0.0.1", names.port)
        checking.check_sender()
        assert verdicts() == {"spf": Verdict.OK, "dkim": Verdict.UNKNOWN, "dmarc": Verdict.WARN, "mx": Verdict.OK}
        email = check_mail.send(practice, REPORTS, form_key="k", by=Actor.system())
        transport = mail_transport.transport(f"smtp://127.0.0.1:{smtp_port}", reports_success=True)
        assert delivery.deliver_next(MailQueue.REST, transport, PracticesInTurn())
        report_mailbox.read_new(ImapMailbox(parse(f"imap://reports:reports@127.0.0.1:{imap_port}/INBOX")))
        report_application.apply_next()
        checking.check_sender()
    email.refresh_from_db()
    assert email.accepted_at is not None
    assert verdicts() == {
        "spf": Verdict.OK,
        "dkim": Verdict.OK,
        "dmarc": Verdict.WARN,
        "mx": Verdict.OK,
        "test_mail": Verdict.OK,
    }
    assert SenderCheck.objects.get(name=CheckName.DKIM).host == f"demo._domainkey.{domain}"


def test_the_signature_is_valid() -> None:
    signer = Signer("portico.example")
    raw = signer.signed(b"Subject:  A  test\r\nX-Other: 1\r\nFrom: <a@portico.example>,\r\n b\r\n\r\nHello\r\n\r\n")
    tags = raw.split(b"\r\n")[0].partition(b": ")[2].decode()
    text, _b, signature = tags.rpartition("b=")
    assert "h=from:subject; bh=" in text
    signed = f"from:<a@portico.example>, b\r\nsubject:A test\r\ndkim-signature:{text}b="
    signer.key.public_key().verify(base64.b64decode(signature), signed.encode(), PKCS1v15(), SHA256())


def verdicts() -> dict[str, str]:
    return dict(SenderCheck.objects.values_list("name", "verdict"))
