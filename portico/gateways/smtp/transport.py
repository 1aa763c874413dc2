"""Handing a mail to the SMTP server, and what the server said to it."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage, classify, enhanced_code, plain_text
from portico.gateways.smtp.server_url import SmtpServer, Tls, parse

STEP_SECONDS = 10.0
# All steps together, so that a slow server cannot outlast the worker's hold on the row.
MAIL_SECONDS = 25.0
# A server may look a mail over before it says yes; giving up early would send it twice.
LAST_ANSWER_SECONDS = 20.0

LINE_BEGINS_WITH_A_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True)
class SmtpTransport:
    """One SMTP server. Sending never raises for what a server or the network does: the answer tells it."""

    server: SmtpServer
    # Whom to believe about certificates; the system's authorities unless a test brings its own.
    authorities: ssl.SSLContext | None = None

    def send(self, message: bytes, *, sender: str, recipient: str) -> SmtpReply:
        """Hands the mail over, byte for byte, in a connection of its own. Never inside a database transaction.

        `message` has lines that end in CR and LF.
        """
        with self.open() as line:
            return line.send(message, sender=sender, recipient=recipient)

    @contextmanager
    def open(self) -> "Iterator[SmtpConnection]":
        """A line for a few mails one soon after the other; made when the first is sent, and left at the end."""
        line = SmtpConnection(self)
        try:
            yield line
        finally:
            line.hang_up()


def transport(url: str) -> SmtpTransport:
    """The server that EMAIL_URL names. Raises ValueError with a sentence when it names none."""
    return SmtpTransport(parse(url))


class SmtpConnection:
    """Sends over one connection as long as the server takes each mail; after any other answer over a new one."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._kept: _Conversation | None = None

    def send(self, message: bytes, *, sender: str, recipient: str) -> SmtpReply:
        """Never inside a database transaction."""
        kept, self._kept = self._kept, None
        if kept is not None:
            answer = self._send(kept, message, sender=sender, recipient=recipient)
            if answer.kind is ReplyKind.TAKEN or answer.stage is not Stage.SENDER:
                return answer
            # A server may be tired of a connection; that says nothing about the mail, which it has not seen.
        return self._send(_Conversation(self._transport), message, sender=sender, recipient=recipient)

    def hang_up(self) -> None:
        if self._kept is not None:
            self._kept.leave()
            self._kept = None

    def _send(self, conversation: "_Conversation", message: bytes, *, sender: str, recipient: str) -> SmtpReply:
        answer = conversation.send(message, sender=sender, recipient=recipient)
        if answer.kind is ReplyKind.TAKEN:
            self._kept = conversation
        else:
            conversation.leave()
        return answer


class _Ended(Exception):
    """The conversation is over, with this answer."""

    def __init__(self, answer: SmtpReply) -> None:
        super().__init__(answer.kind)
        self.answer = answer


class _Conversation:
    """One connection, in which one mail after the other may be sent until the first that is not taken."""

    def __init__(self, transport: SmtpTransport) -> None:
        self.server = transport.server
        self.authorities = transport.authorities
        self.deadline = 0.0
        self.stage = Stage.CONNECT
        self.smtp: smtplib.SMTP | None = None

    def send(self, message: bytes, *, sender: str, recipient: str) -> SmtpReply:
        self.deadline = time.monotonic() + MAIL_SECONDS
        try:
            smtp = self._ready()
            return self._hand_over(smtp, message, sender=sender, recipient=recipient)
        except _Ended as ended:
            return ended.answer
        except smtplib.SMTPResponseException as error:
            return classify(self.stage, error.smtp_code, error.smtp_error)
        except ssl.SSLCertVerificationError as error:
            return self._trouble(f"The certificate is not good: {error.verify_message}", stage=Stage.TLS)
        except ssl.SSLError as error:
            return self._trouble(f"No encrypted connection: {error.reason}", stage=Stage.TLS)
        except (OSError, smtplib.SMTPException) as error:
            return self._lost(error)

    def _ready(self) -> smtplib.SMTP:
        if self.smtp is not None:
            return self.smtp
        self.smtp = smtp = self._connect()
        # Two small packets in a row would otherwise wait for each other.
        _socket(smtp).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._greet(smtp)
        self._encrypt(smtp)
        self._sign_in(smtp)
        return smtp

    def _connect(self) -> smtplib.SMTP:
        host, port, name = self.server.host, self.server.port, _own_name()
        if self.server.tls is Tls.FROM_THE_START:
            return smtplib.SMTP_SSL(
                host, port, local_hostname=name, timeout=STEP_SECONDS, context=self.authorities or _system_authorities()
            )
        return smtplib.SMTP(host, port, local_hostname=name, timeout=STEP_SECONDS)

    def _greet(self, smtp: smtplib.SMTP) -> None:
        self._hurry(smtp)
        smtp.ehlo_or_helo_if_needed()

    def _encrypt(self, smtp: smtplib.SMTP) -> None:
        if self.server.tls is not Tls.STARTTLS:
            return
        self.stage = Stage.TLS
        if not smtp.has_extn("starttls"):
            raise _Ended(self._trouble("The server offers no STARTTLS."))
        self._hurry(smtp)
        code, text = smtp.starttls(context=self.authorities or _system_authorities())
        if code != 220:
            raise _Ended(classify(self.stage, code, text))
        self._greet(smtp)

    def _sign_in(self, smtp: smtplib.SMTP) -> None:
        if not self.server.user:
            return
        self.stage = Stage.LOGIN
        if self.server.tls is Tls.NONE and not _is_this_machine(smtp):
            raise _Ended(self._trouble("The password was not sent: the connection is not encrypted."))
        self._hurry(smtp)
        smtp.login(self.server.user, self.server.password)

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes, *, sender: str, recipient: str) -> SmtpReply:
        beyond_ascii = not recipient.isascii()
        if beyond_ascii and not smtp.has_extn("smtputf8"):
            return SmtpReply(ReplyKind.MAILBOX, Stage.RECIPIENT, "5.6.7", "The mail server offers no SMTPUTF8.")
        options = ("SMTPUTF8", "BODY=8BITMIME") if beyond_ascii else ()
        self.stage = Stage.SENDER
        self._expect(smtp, smtp.mail(sender, options), 250)
        self.stage = Stage.RECIPIENT
        self._expect(smtp, smtp.rcpt(recipient), 250, 251)
        self.stage = Stage.CONTENT
        self._expect(smtp, smtp.docmd("DATA"), 354)
        body = LINE_BEGINS_WITH_A_DOT.sub(b"..", message)
        smtp.send(body if body.endswith(b"\r\n") else body + b"\r\n")
        self._hurry(smtp)
        return self._last_answer(smtp)

    def _last_answer(self, smtp: smtplib.SMTP) -> SmtpReply:
        """Up to the dot the server has no mail; from the dot on it may have one, whatever happens to its answer."""
        _socket(smtp).settimeout(LAST_ANSWER_SECONDS)
        try:
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return SmtpReply(ReplyKind.LOST, Stage.CONTENT, "", plain_text(str(error)))
        if code == -1:  # What smtplib makes of an answer that is no number.
            return SmtpReply(ReplyKind.LOST, Stage.CONTENT, "", plain_text(text))
        if 200 <= code < 300:
            return SmtpReply(ReplyKind.TAKEN, Stage.CONTENT, enhanced_code(plain_text(text)), plain_text(text))
        return classify(Stage.CONTENT, code, text)

    def _expect(self, smtp: smtplib.SMTP, reply: tuple[int, bytes], *good: int) -> None:
        if reply[0] not in good:
            raise _Ended(classify(self.stage, *reply))
        self._hurry(smtp)

    def _hurry(self, smtp: smtplib.SMTP) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The server is too slow.")
        _socket(smtp).settimeout(min(STEP_SECONDS, left))

    def _lost(self, error: Exception) -> SmtpReply:
        return self._trouble(str(error) or type(error).__name__)

    def _trouble(self, text: str, *, stage: Stage | None = None) -> SmtpReply:
        return SmtpReply(ReplyKind.OURS, stage or self.stage, "", plain_text(text))

    def leave(self) -> None:
        if self.smtp is None:
            return
        # Whether the goodbye arrives changes nothing: the mail's outcome is known.
        with suppress(OSError, smtplib.SMTPException):
            if self.smtp.sock is not None:
                self.smtp.sock.settimeout(1)
                self.smtp.quit()
        self.smtp.close()


@cache
def _system_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _own_name() -> str:
    """What we say at EHLO: our host's name where it has a whole one. No look-up, which may be slow."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _is_this_machine(smtp: smtplib.SMTP) -> bool:
    return ip_address(_socket(smtp).getpeername()[0]).is_loopback


def _socket(smtp: smtplib.SMTP) -> socket.socket:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("The connection is closed.")
    return smtp.sock
