"""Postfix and Dovecot themselves: their reports come back, and are read as what they say."""

import pytest
from django.test import override_settings

from portico.domain.maintenance.models import CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import check_mail
from portico.domain.practices.models import Practice
from portico.gateways.imap import ImapMailbox, parse
from portico.gateways.smtp import transport
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import report_mailbox, report_parsing, report_tags
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportMailbox
from scripts import system_packages
from tests import cast
from tests.support import certificates
from tests.support.mail_servers import MailServers
from tests.support.smtp import SmtpServer

pytestmark = [
    pytest.mark.real_processes,
    pytest.mark.slow,
    pytest.mark.sqlite,
    pytest.mark.django_db(transaction=True),
    pytest.mark.real_time,
    pytest.mark.skipif(
        not system_packages.can_have_mail_servers(), reason="Postfix needs root, as in CI, and no other mail server."
    ),
]
ACCEPTED, REFUSED, FULL, BLOCKED = (f"{name}@mail.example" for name in ("ana", "nobody", "full", "blocked"))
REFUSALS = {
    REFUSED: "550 5.1.1 No such user here",
    FULL: "552 5.2.2 Mailbox full",
    BLOCKED: "550 5.7.26 Unauthenticated mail",
}


def send_all(practice: Practice, servers: MailServers, smtp: SmtpServer) -> None:
    for number, address in enumerate((ACCEPTED, *REFUSALS)):
        cast.invited(cast.client(practice, f"Ana {number}", address=address))
    for address, answer in REFUSALS.items():
        smtp.refuse("recipient", answer, to=address)
    assert delivery.deliver_next("rest", transport.transport(servers.url))


def facts() -> dict[str, tuple[str, str, str]]:
    rows = DeliveryReport.objects.select_related("email")
    return {row.email.to_address: (row.kind, row.status_code, row.remote_server) for row in rows}


@override_settings(EMAIL_RETURN_PATH="bounces@portico.test")
def test_reports_of_postfix_are_read_from_dovecot(
    practice: Practice, mail_servers: MailServers, smtp: SmtpServer
) -> None:
    send_all(practice, mail_servers, smtp)
    mailbox = ImapMailbox(parse(mail_servers.mailbox_url), certificates.trusting_context())

    def read() -> bool:
        ReportMailbox.objects.update(read_at=None)
        report_mailbox.read_new(mailbox)
        assert not ReportMailbox.objects.get().problem, mail_servers.log()
        return DeliveryReport.objects.count() == 4

    mail_servers.wait_for(read)
    assert facts() == {
        ACCEPTED: ("relayed", "2.0.0", "127.0.0.1"),
        REFUSED: ("failed", "5.1.1", "127.0.0.1"),
        FULL: ("failed", "5.2.2", "127.0.0.1"),
        BLOCKED: ("failed", "5.7.26", "127.0.0.1"),
    }
    assert ReportMailbox.objects.get().unmatched == 0
    # The files that Postfix wrote, as its pipe would pass them, are the same reports.
    for path in mail_servers.folder.glob("mail/reports/[cn]*/*"):
        report_mailbox.receive(path.read_bytes())
    assert (DeliveryReport.objects.count(), ReportMailbox.objects.get().unmatched) == (4, 0)
    # ENVID and the tagged sender come back, each by itself enough.
    with mailbox.open() as folder:
        mails = folder.fetch(after_uid=0, limit=10, max_bytes=report_parsing.MAX_BYTES).mails
    sent = set(OutgoingEmail.objects.values_list("ref", flat=True))
    assert {ref for _uid, raw in mails for ref in refs_behind(raw, b"Original-Envelope-Id: ")} == sent
    assert {ref for _uid, raw in mails for ref in refs_behind(raw, b"Delivered-To: ")} == sent


def refs_behind(raw: bytes, field: bytes) -> tuple[str, ...]:
    (line,) = (line for line in raw.splitlines() if line.startswith(field))
    return report_tags.refs_in([line.decode()])


@override_settings(EMAIL_RETURN_PATH="bounces@portico.test")
def test_a_test_email_is_recognized_as_postfix_delivers_it(practice: Practice, mail_servers: MailServers) -> None:
    check_mail.send(practice, "bounces@portico.test", form_key="k", by=Actor.system())
    assert delivery.deliver_next("rest", transport.transport(mail_servers.url))
    mailbox = ImapMailbox(parse(mail_servers.mailbox_url), certificates.trusting_context())

    def read() -> bool:
        ReportMailbox.objects.update(read_at=None)
        report_mailbox.read_new(mailbox)
        return SenderCheck.objects.filter(known_at__isnull=False).exists()

    mail_servers.wait_for(read)
    # Postfix alone checks nothing.
    assert SenderCheck.objects.get().reason == CheckReason.TEST_NO_RESULTS
    # Its name in Received is the one under which its milters state their results.
    mails = [path.read_bytes() for path in mail_servers.folder.glob("mail/reports/[cn]*/*")]
    (returned,) = (raw for raw in mails if b"\nSubject: Test email\n" in raw.partition(b"\n\n")[0])
    stated = b"Authentication-Results: mx.portico.test; dkim=pass header.d=portico.example header.s=s1\n"
    report_mailbox.receive(stated + returned)
    assert (SenderCheck.objects.get().verdict, SenderCheck.objects.get().host) == (Verdict.OK, "mx.portico.test")
