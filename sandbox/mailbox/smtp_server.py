"""The SMTP server: accepts every email, on loopback only, and sends delivery reports."""

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mailbox import dsn, receiving_server, report_writer
from sandbox.mailbox.controller import ClosingController
from sandbox.mailbox.mail_store import Mailbox
from sandbox.mailbox.report_writer import SentMail
from sandbox.mailbox.signing import Signer

# Emails to this domain are refused, as a real server refuses an unknown mailbox.
NOBODYS_DOMAIN = "bounce.example"


class Receiver:
    """The hooks that aiosmtpd calls; it defines their names."""

    def __init__(self, mailbox: Mailbox, reports: Mailbox, signer: Signer | None = None) -> None:
        self.mailbox = mailbox
        self.reports = reports
        self.signer = signer

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return dsn.with_dsn(responses)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower().endswith(f"@{NOBODYS_DOMAIN}"):
            return "550 5.1.1 There is no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient is fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        if isinstance(content, str):
            content = content.encode()
        if self.signer is not None:
            content = self.signer.signed(content)
        mail = self.mailbox.keep(content, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos))
        print(f"Mail for {', '.join(envelope.rcpt_tos)}: {mail.header('Subject')}", flush=True)
        for recipient in envelope.rcpt_tos:
            self._report(envelope, recipient, content)
        return "250 2.0.0 Kept"

    def _report(self, envelope: Envelope, recipient: str, content: bytes) -> None:
        if not envelope.mail_from:
            return
        sent = SentMail(
            sender=envelope.mail_from,
            recipient=recipient,
            envelope_id=dsn.parameter(envelope.mail_options, "ENVID"),
            wants_success="SUCCESS" in dsn.parameter(envelope.rcpt_options, "NOTIFY").upper(),
            raw=content,
        )
        if receiving_server.is_for_reports(sent):
            self.reports.add(receiving_server.delivered(sent, self.signer))
        for report in report_writer.reports_for(sent):
            self.reports.add(report)


class _Server(ClosingController):
    def factory(self) -> SMTP:
        return dsn.DsnSmtp(self.handler, hostname="localhost", enable_SMTPUTF8=True, loop=self.loop)


def server(mailbox: Mailbox, reports: Mailbox, *, port: int, signer: Signer | None = None) -> ClosingController:
    """Returns the server, not started. Delivery reports, and emails to their address, are added to `reports`."""
    return _Server(Receiver(mailbox, reports, signer), hostname="127.0.0.1", port=port)
