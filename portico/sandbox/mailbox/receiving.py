"""The SMTP side: takes every mail for everybody, on this machine only."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from portico.sandbox.mailbox.keeping import Mailbox


class Receiver:
    """What aiosmtpd asks when a mail has arrived; the method's name is its own."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

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
