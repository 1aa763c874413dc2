"""The SMTP server: accepts every email, on loopback only."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mailbox.mail_store import Mailbox

# Emails to this domain are refused, as a real server refuses an unknown mailbox.
NOBODYS_DOMAIN = "bounce.example"


class Receiver:
    """The hooks that aiosmtpd calls; it defines their names."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

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
        mail = self.mailbox.keep(content, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos))
        print(f"Mail for {', '.join(envelope.rcpt_tos)}: {mail.header('Subject')}", flush=True)
        return "250 2.0.0 Kept"


def server(mailbox: Mailbox, *, port: int) -> Controller:
    return Controller(
        Receiver(mailbox), hostname="127.0.0.1", port=port, server_hostname="localhost", enable_SMTPUTF8=True
    )
