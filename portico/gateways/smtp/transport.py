"""Hands mails to the SMTP server and returns the server's reply to each."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address

from portico import enhanced_status_codes
from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage, classify, plain_text
from portico.gateways.smtp.server_url import SmtpServer, Tls, parse

STEP_SECONDS = 10.0
# For all steps of one mail, so that a slow server cannot outlast the worker's lease on the row.
MAIL_SECONDS = 25.0
# A server may scan a mail before it accepts it; giving up early would send it twice.
FINAL_REPLY_SECONDS = 20.0
# A refusal that took longer is not followed by another attempt within the same lease.
SECOND_ATTEMPT_SECONDS = 10.0

STAGES_OF_MAIL = {Stage.SENDER, Stage.RECIPIENT, Stage.CONTENT}
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
# Permanent refusals that may be about the sender's address. 5.7.x are policies; many servers check the sender only
# after RCPT (Postfix: "5.7.1 Sender address rejected: not owned by user") or DATA (Exchange: 5.2.252, 5.7.60).
SENDER_REFUSALS = ("5.7.", "5.1.7", "5.1.8", "5.2.252")
# Parameters that the server does not know, although it offers DSN.
PARAMETER_REFUSALS = ("501", "504", "555", "5.5.2", "5.5.4")


@dataclass(frozen=True)
class _Envelope:
    sender: str
    recipient: str
    # ENVID, which comes back in delivery reports (RFC 3461); empty for none.
    id: str
    reports_success: bool = True

    @property
    def mail_options(self) -> tuple[str, ...]:
        """Returns the parameters of MAIL for a server that sends delivery reports."""
        return ("RET=HDRS", f"ENVID={self.id}") if self.id else ()

    @property
    def rcpt_options(self) -> tuple[str, ...]:
        if not self.id:
            return ()
        return ("NOTIFY=SUCCESS,DELAY,FAILURE" if self.reports_success else "NOTIFY=DELAY,FAILURE",)


@dataclass(frozen=True)
class SmtpTransport:
    """One SMTP server. Sending does not raise for failures of the server or the network: the reply reports them."""

    server: SmtpServer
    # Verifies the server's certificate; with the system's authorities unless a test passes its own.
    authorities: ssl.SSLContext | None = None
    # Asks for a report also about each mail that arrived, not only about delays and failures.
    reports_success: bool = True

    def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str = "", plain_sender: str = ""
    ) -> SmtpReply:
        """Sends the message unchanged, over a connection of its own, as `SmtpConnection.send` does.

        The lines of `message` end in CR and LF.
        """
        with self.open() as connection:
            return connection.send(
                message, sender=sender, recipient=recipient, envelope_id=envelope_id, plain_sender=plain_sender
            )

    @contextmanager
    def open(self) -> "Iterator[SmtpConnection]":
        """Yields a connection for several mails in quick succession; opened by the first one, closed at the end."""
        connection = SmtpConnection(self)
        try:
            yield connection
        finally:
            connection.close()


def transport(url: str) -> SmtpTransport:
    """Returns the transport for EMAIL_URL. Raises ValueError, with a message, if it names no server."""
    return SmtpTransport(parse(url))


class SmtpConnection:
    """Reuses one session while the server accepts each mail; opens a new one after any other reply."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._session: _SmtpSession | None = None
        self._needs_plain_sender = False
        self._needs_no_reports = False

    def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str = "", plain_sender: str = ""
    ) -> SmtpReply:
        """Sends the message. Not to be called inside a database transaction.

        A server that sends delivery reports is asked for them, with `envelope_id` (ASCII, without spaces, "+" and "=").
        If the server permanently refuses `sender` or such a request, the mail is sent from `plain_sender`, or without
        the request, and so are the mails after it.
        """
        plain_sender = plain_sender or sender
        envelope = _Envelope(
            plain_sender if self._needs_plain_sender else sender,
            recipient,
            "" if self._needs_no_reports else envelope_id,
            reports_success=self._transport.reports_success,
        )
        began_at = time.monotonic()
        reply = self._send_envelope(message, envelope)
        simpler = _simpler(envelope, plain_sender, reply)
        if simpler == envelope or time.monotonic() - began_at > SECOND_ATTEMPT_SECONDS:
            return reply
        second_reply = self._send_envelope(message, simpler)
        if reply.stage is Stage.SENDER or second_reply.kind is ReplyKind.TAKEN:
            self._needs_plain_sender = simpler.sender == plain_sender
            self._needs_no_reports = not simpler.id
        return second_reply

    def _send_envelope(self, message: bytes, envelope: _Envelope) -> SmtpReply:
        session, self._session = self._session, None
        if session is not None:
            reply = self._send(session, message, envelope)
            if reply.kind is ReplyKind.TAKEN or reply.stage is not Stage.SENDER:
                return reply
            # A server may end a session after some mails; it has not seen this one, which is sent over a new one.
        return self._send(_SmtpSession(self._transport), message, envelope)

    def close(self) -> None:
        if self._session is not None:
            self._session.quit()
            self._session = None

    def _send(self, session: "_SmtpSession", message: bytes, envelope: _Envelope) -> SmtpReply:
        reply = session.send(message, envelope)
        if reply.kind is ReplyKind.TAKEN:
            self._session = session
        else:
            session.quit()
        return reply


def _simpler(envelope: _Envelope, plain_sender: str, reply: SmtpReply) -> _Envelope:
    """Returns the envelope with which the server may accept the mail that it refused; the same one if there is none."""
    if reply.stage in {Stage.SENDER, Stage.RECIPIENT} and reply.code in PARAMETER_REFUSALS:
        return replace(envelope, sender=plain_sender, id="")
    refusals = ("5",) if reply.stage is Stage.SENDER else SENDER_REFUSALS
    if reply.stage in STAGES_OF_MAIL and reply.code.startswith(refusals):
        return replace(envelope, sender=plain_sender)
    return envelope


class _SessionFailed(Exception):
    """The session ended with this reply."""

    def __init__(self, reply: SmtpReply) -> None:
        super().__init__(reply.kind)
        self.reply = reply


class _SmtpSession:
    """One SMTP session, for several mails in turn until the first that is not accepted."""

    def __init__(self, transport: SmtpTransport) -> None:
        self.server = transport.server
        self.authorities = transport.authorities
        self.deadline = 0.0
        self.stage = Stage.CONNECT
        self.smtp: smtplib.SMTP | None = None

    def send(self, message: bytes, envelope: _Envelope) -> SmtpReply:
        self.deadline = time.monotonic() + MAIL_SECONDS
        try:
            smtp = self._connected()
            return self._hand_over(smtp, message, envelope)
        except _SessionFailed as failure:
            return failure.reply
        except smtplib.SMTPResponseException as error:
            return classify(self.stage, error.smtp_code, error.smtp_error)
        except ssl.SSLCertVerificationError as error:
            return self._failure(f"The certificate is not good: {error.verify_message}", stage=Stage.TLS)
        except ssl.SSLError as error:
            return self._failure(f"No encrypted connection: {error.reason}", stage=Stage.TLS)
        except (OSError, smtplib.SMTPException) as error:
            return self._failure(str(error) or type(error).__name__)

    def _connected(self) -> smtplib.SMTP:
        if self.smtp is not None:
            return self.smtp
        self.smtp = smtp = self._connect()
        # Else Nagle's algorithm delays the second of two small packets.
        _socket(smtp).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._say_hello(smtp)
        self._encrypt(smtp)
        self._log_in(smtp)
        return smtp

    def _connect(self) -> smtplib.SMTP:
        host, port, name = self.server.host, self.server.port, _ehlo_name()
        if self.server.tls is Tls.FROM_THE_START:
            return smtplib.SMTP_SSL(
                host, port, local_hostname=name, timeout=STEP_SECONDS, context=self.authorities or _system_authorities()
            )
        return smtplib.SMTP(host, port, local_hostname=name, timeout=STEP_SECONDS)

    def _say_hello(self, smtp: smtplib.SMTP) -> None:
        self._limit_wait(smtp)
        smtp.ehlo_or_helo_if_needed()

    def _encrypt(self, smtp: smtplib.SMTP) -> None:
        if self.server.tls is not Tls.STARTTLS:
            return
        self.stage = Stage.TLS
        if not smtp.has_extn("starttls"):
            raise _SessionFailed(self._failure("The server offers no STARTTLS."))
        self._limit_wait(smtp)
        code, text = smtp.starttls(context=self.authorities or _system_authorities())
        if code != 220:
            raise _SessionFailed(classify(self.stage, code, text))
        self._say_hello(smtp)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if not self.server.user:
            return
        self.stage = Stage.LOGIN
        if self.server.tls is Tls.NONE and not _is_loopback(smtp):
            raise _SessionFailed(self._failure("The password was not sent: the connection is not encrypted."))
        self._limit_wait(smtp)
        smtp.login(self.server.user, self.server.password)

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes, envelope: _Envelope) -> SmtpReply:
        needs_smtputf8 = not envelope.recipient.isascii()
        if needs_smtputf8 and not smtp.has_extn("smtputf8"):
            return SmtpReply(ReplyKind.MAILBOX, Stage.RECIPIENT, "5.6.7", "The mail server offers no SMTPUTF8.")
        options = ("SMTPUTF8", "BODY=8BITMIME") if needs_smtputf8 else ()
        sends_reports = smtp.has_extn("dsn")
        self.stage = Stage.SENDER
        mail_options = (*options, *(envelope.mail_options if sends_reports else ()))
        self._expect(smtp, smtp.mail(envelope.sender, mail_options), 250)
        self.stage = Stage.RECIPIENT
        rcpt_options = envelope.rcpt_options if sends_reports else ()
        self._expect(smtp, smtp.rcpt(envelope.recipient, rcpt_options), 250, 251)
        self.stage = Stage.CONTENT
        self._expect(smtp, smtp.docmd("DATA"), 354)
        body = LEADING_DOT.sub(b"..", message)
        smtp.send(body if body.endswith(b"\r\n") else body + b"\r\n")
        self._limit_wait(smtp)
        return self._final_reply(smtp)

    def _final_reply(self, smtp: smtplib.SMTP) -> SmtpReply:
        """Sends the final dot and reads the reply. After the dot the server may have the mail, whatever it replies."""
        _socket(smtp).settimeout(FINAL_REPLY_SECONDS)
        try:
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return SmtpReply(ReplyKind.LOST, Stage.CONTENT, "", plain_text(str(error)))
        if code == -1:  # smtplib returns -1 for a reply without a code.
            return SmtpReply(ReplyKind.LOST, Stage.CONTENT, "", plain_text(text))
        if 200 <= code < 300:
            return SmtpReply(
                ReplyKind.TAKEN, Stage.CONTENT, enhanced_status_codes.leading_in(plain_text(text)), plain_text(text)
            )
        return classify(Stage.CONTENT, code, text)

    def _expect(self, smtp: smtplib.SMTP, reply: tuple[int, bytes], *expected: int) -> None:
        if reply[0] not in expected:
            raise _SessionFailed(classify(self.stage, *reply))
        self._limit_wait(smtp)

    def _limit_wait(self, smtp: smtplib.SMTP) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The server is too slow.")
        _socket(smtp).settimeout(min(STEP_SECONDS, left))

    def _failure(self, text: str, *, stage: Stage | None = None) -> SmtpReply:
        return SmtpReply(ReplyKind.OURS, stage or self.stage, "", plain_text(text))

    def quit(self) -> None:
        if self.smtp is None:
            return
        # A failed QUIT changes nothing: the mail's outcome is known.
        with suppress(OSError, smtplib.SMTPException):
            if self.smtp.sock is not None:
                self.smtp.sock.settimeout(1)
                self.smtp.quit()
        self.smtp.close()


@cache
def _system_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _ehlo_name() -> str:
    """Returns the name for EHLO: our host's if it is fully qualified. Without a DNS look-up, which may be slow."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _is_loopback(smtp: smtplib.SMTP) -> bool:
    return ip_address(_socket(smtp).getpeername()[0]).is_loopback


def _socket(smtp: smtplib.SMTP) -> socket.socket:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("The connection is closed.")
    return smtp.sock
