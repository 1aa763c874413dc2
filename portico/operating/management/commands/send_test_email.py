"""`portico send-test-email ADDRESS`: sends one email through the configured server and prints its reply."""

from argparse import ArgumentParser
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portico.gateways import mail_transport
from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage
from portico.plumbing import clock
from portico.plumbing.mail import mime_messages
from portico.plumbing.mail.parse_check import NamedMailbox
from portico.plumbing.text import mailboxes

STAGES = {
    Stage.CONNECT: "It cannot be reached.",
    Stage.TLS: "There is no safe connection to it, so nothing was sent.",
    Stage.LOGIN: "It refuses the user, password or key of EMAIL_URL.",
    Stage.SENDER: "It refuses the sender, EMAIL_FROM or EMAIL_RETURN_PATH.",
    Stage.RECIPIENT: "It refuses mail from us.",
    Stage.CONTENT: "It refuses mail from us, or the connection broke.",
}
OUTCOMES = {
    ReplyKind.LATER: "It puts us off; a real mail would be tried again.",
    ReplyKind.MAILBOX: "It says that this mailbox does not exist or takes no mail.",
    ReplyKind.LISTED: "It sends nothing to this address, which is on its own list.",
    ReplyKind.MESSAGE: "It refuses this mail.",
    ReplyKind.LOST: "It got the mail, but its answer was lost.",
}


class Command(BaseCommand):
    help = "Sends one email through EMAIL_URL immediately, without the queue, and prints the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: str, address: str, **options: Any) -> None:  # Any: Django's own.
        try:
            recipient = mailboxes.deliverable(address)
        except ValueError as error:
            raise CommandError(f"{address!r} is not an email address: {error}") from error
        where, transport = mail_transport.describe(settings.EMAIL_URL), mail_transport.transport(settings.EMAIL_URL)
        reply = transport.send(_message(recipient), sender=settings.EMAIL_RETURN_PATH, recipient=recipient)
        if reply.kind is not ReplyKind.TAKEN:
            raise CommandError(f"{where} did not accept the email. {_describe(reply)}{_server_text(reply)}")
        self.stdout.write(f"{where} accepted the email. Check whether it arrives at {address}.{_server_text(reply)}")


def _message(recipient: str) -> bytes:
    body = EmailMessage(policy=SMTP)
    body.set_content(f"{settings.PUBLIC_BASE_URL} can send email.\n")
    return mime_messages.assemble(
        {"From": NamedMailbox("", settings.EMAIL_FROM), "To": NamedMailbox("", recipient)},
        "A test email from Portico",
        body,
        message_id=make_msgid(domain=settings.EMAIL_FROM.rpartition("@")[2]),
        at=clock.now(),
    )


def _describe(reply: SmtpReply) -> str:
    return STAGES[reply.stage] if reply.kind is ReplyKind.OURS else OUTCOMES[reply.kind]


def _server_text(reply: SmtpReply) -> str:
    return f" It said: {reply.text}" if reply.text else ""
