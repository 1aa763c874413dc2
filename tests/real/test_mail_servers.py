"""Postfix and Dovecot themselves: their reports come back, and are read as what they say."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import pytest
from django.test import override_settings

from portico import enhanced_status_codes
from portico.domain.maintenance.models import CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import check_mail
from portico.domain.practices.models import Practice
from portico.gateways.imap import ImapMailbox, parse
from portico.gateways.smtp import transport
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import report_application, report_mailbox, report_parsing, report_tags
from portico.plumbing.models import DeliveryReport, MailStop, OutgoingEmail, ReportMailbox
from portico.plumbing.models.outgoing_emails import EmailState, FailureCause
from scripts import system_packages
from tests import cast
from tests.support.servers import certificates
from tests.support.servers.mail_servers import MailServers
from tests.support.servers.smtp import SmtpServer

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


@dataclass(frozen=True)
class Row:
    """A row of the rules: what the recipient's server answers, what Postfix reports of it, and what follows."""

    answer: str
    reported: tuple[tuple[str, str], ...]
    state: EmailState
    cause: FailureCause | Literal[""]
    is_stopped: bool = False


def _failed(answer: str, cause: FailureCause, *, stops: bool = False) -> Row:
    """Returns the row for an answer of which Postfix reports the code, 5.0.0 for none."""
    code = next(iter(enhanced_status_codes.all_in(answer)), "5.0.0")
    return Row(answer, (("failed", code),), EmailState.BOUNCED if stops else EmailState.FAILED, cause, stops)


ROWS = (
    Row("", (("relayed", "2.0.0"),), EmailState.DELIVERED, ""),
    *(
        _failed(f"550 {code} No", FailureCause.NO_MAILBOX, stops=True)
        for code in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")
    ),
    _failed("552 5.2.2 Over quota", FailureCause.FULL),
    Row("452 4.2.2 Over quota", (("delayed", "4.2.2"), ("failed", "4.2.2")), EmailState.FAILED, FailureCause.FULL),
    Row("451 4.3.0 Later", (("delayed", "4.3.0"), ("failed", "4.3.0")), EmailState.FAILED, FailureCause.EXPIRED),
    _failed("550 5.7.1 No", FailureCause.DISTRUST),
    _failed("550 5.7.26 No", FailureCause.DISTRUST),
    *(_failed(f"554 {code} No", FailureCause.MESSAGE) for code in ("5.3.4", "5.5.2", "5.6.0")),
    _failed("550 5.0.0 No", FailureCause.UNEXPLAINED),
    _failed("550 No", FailureCause.UNEXPLAINED),
)
TWICE = "550 Not today"


@override_settings(EMAIL_RETURN_PATH="bounces@portico.test")
def test_every_rule_follows_from_what_postfix_reports(
    practice: Practice, mail_servers: MailServers, smtp: SmtpServer
) -> None:
    addresses = {f"row{number}@mail.example": row for number, row in enumerate(ROWS)}
    for address, row in addresses.items():
        cast.invited(cast.client(practice, address, address=address))
        if row.answer:
            smtp.refuse("recipient", row.answer, to=address)
    # Two in a row to one mailbox, which a rejection without a reason stops.
    for name in ("Bruno", "Bea"):
        cast.invited(cast.client(practice, name, address="twice@mail.example"))
    smtp.refuse("recipient", TWICE, to="twice@mail.example")
    while delivery.deliver_next("rest", transport.transport(mail_servers.url)):
        pass
    mailbox = ImapMailbox(parse(mail_servers.mailbox_url), certificates.trusting_context())
    expected = Counter((address, *each) for address, row in addresses.items() for each in row.reported)
    expected["twice@mail.example", "failed", "5.0.0"] = 2

    def read() -> bool:
        ReportMailbox.objects.update(read_at=None)
        report_mailbox.read_new(mailbox)
        assert not ReportMailbox.objects.get().problem, mail_servers.log()
        return DeliveryReport.objects.count() >= expected.total()

    mail_servers.wait_for(read)
    rows = DeliveryReport.objects.values_list("email__to_address", "kind", "status_code")
    assert Counter(rows) == expected
    while report_application.apply_next():
        pass
    for address, row in addresses.items():
        email = OutgoingEmail.objects.get(to_address=address)
        assert (email.state, email.failure_cause) == (row.state, row.cause), row
        assert MailStop.objects.live().filter(mailbox_key=address).exists() is row.is_stopped, row
    assert MailStop.objects.live().filter(mailbox_key="twice@mail.example").exists()


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
