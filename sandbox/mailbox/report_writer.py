"""Writes the delivery reports that mail servers would send about a mail, as Postfix words them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

# Addresses of this domain get the report that their local part names; all others are accepted.
REPORTS_DOMAIN = "report.example"
REPORTER = "mail.portico.example"


@dataclass(frozen=True)
class Status:
    action: str
    code: str
    diagnostic: str


ACCEPTED = Status("relayed", "2.0.0", "smtp; 250 2.0.0 OK: queued")
STATUSES = {
    "nomailbox": Status("failed", "5.1.1", "smtp; 550 5.1.1 There is no such mailbox here"),
    "full": Status("failed", "5.2.2", "smtp; 552 5.2.2 The mailbox is full"),
    "blocked": Status("failed", "5.7.26", "smtp; 550 5.7.26 Unauthenticated mail is not accepted due to DMARC policy"),
    "slow": Status("delayed", "4.4.1", "X-Postfix; connect to mx.report.example: Connection timed out"),
}


@dataclass(frozen=True)
class SentMail:
    """A mail with its envelope, as a server got it. `envelope_id` and `wants_success` are parameters of DSN."""

    sender: str
    recipient: str
    envelope_id: str
    wants_success: bool
    raw: bytes

    @property
    def header(self) -> bytes:
        return self.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]


def reports_for(mail: SentMail) -> list[bytes]:
    """Returns the reports about the mail that its recipient's address asks for."""
    local, _at, domain = mail.recipient.lower().rpartition("@")
    scripted = STATUSES.get(local) if domain == REPORTS_DOMAIN else None
    reports = [status_report(mail, scripted or ACCEPTED)] if scripted or mail.wants_success else []
    if domain == REPORTS_DOMAIN and local == "spam":
        reports.append(complaint(mail))
    if domain == REPORTS_DOMAIN and local == "away":
        reports.append(automatic_reply(mail))
    return reports


def status_report(mail: SentMail, status: Status) -> bytes:
    """Returns a delivery status notification (RFC 3464)."""
    domain = mail.recipient.rpartition("@")[2]
    about_mail = [f"Reporting-MTA: dns; {REPORTER}", f"Arrival-Date: {_now()}"]
    if mail.envelope_id:
        about_mail.insert(1, f"Original-Envelope-Id: {mail.envelope_id}")
    about_recipient = [
        f"Final-Recipient: rfc822; {mail.recipient}",
        f"Action: {status.action}",
        f"Status: {status.code}",
        f"Remote-MTA: dns; mx.{domain}",
        f"Diagnostic-Code: {status.diagnostic}",
    ]
    return _report(
        mail,
        "delivery-status",
        sender=f"MAILER-DAEMON@{REPORTER}",
        subject="Delivery status of your mail",
        machine=["message/delivery-status", "", *about_mail, "", *about_recipient],
    )


def complaint(mail: SentMail) -> bytes:
    """Returns a feedback report (RFC 5965)."""
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: SandboxFeedback/1.0",
        "Version: 1",
        f"Original-Mail-From: <{mail.sender}>",
        f"Original-Rcpt-To: <{mail.recipient}>",
        "Reported-Domain: portico.example",
    ]
    return _report(
        mail,
        "feedback-report",
        sender=f"feedback@{mail.recipient.rpartition('@')[2]}",
        subject="Marked as spam",
        machine=["message/feedback-report", "", *fields],
    )


def automatic_reply(mail: SentMail) -> bytes:
    """Returns an out-of-office reply (RFC 3834)."""
    lines = [
        *_header(mail, sender=mail.recipient, subject="Out of office"),
        "Auto-Submitted: auto-replied",
        "",
        "I am away until Monday.",
        "",
    ]
    return _encoded(lines)


def _report(mail: SentMail, kind: str, *, sender: str, subject: str, machine: list[str]) -> bytes:
    """Returns a multipart/report of three parts: for people, for machines, and the header of the mail."""
    mark = "sandbox-report"
    lines = [
        *_header(mail, sender=sender, subject=subject),
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="{mark}"',
        "",
        f"--{mark}",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"This is a report about your mail to {mail.recipient}.",
        "",
        f"--{mark}",
        f"Content-Type: {machine[0]}",
        *machine[1:],
        "",
        f"--{mark}",
        "Content-Type: text/rfc822-headers",
        "",
        mail.header.decode("utf-8", "replace"),
        "",
        f"--{mark}--",
        "",
    ]
    return _encoded(lines)


def _header(mail: SentMail, *, sender: str, subject: str) -> list[str]:
    return [
        "Return-Path: <>",
        f"Delivered-To: {mail.sender}",
        f"Date: {_now()}",
        f"From: <{sender}>",
        f"To: {mail.sender}",
        f"Subject: {subject}",
        f"Message-ID: {make_msgid(domain=REPORTER)}",
    ]


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _encoded(lines: list[str]) -> bytes:
    return "\n".join(lines).replace("\n", "\r\n").encode()
