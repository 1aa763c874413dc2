"""An SMTP server on loopback that accepts, refuses, delays or loses its reply, as a test tells it."""

import asyncio
import email
import email.policy
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from typing import Any, AnyStr, Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sandbox.mailbox import dsn
from sandbox.mailbox.controller import ClosingController
from tests.support.servers.ports import free_port

type Stage = Literal["connect", "login", "sender", "recipient", "content"]
TAKEN = "250 2.0.0 Taken"

# It logs every line of every conversation.
logging.getLogger("mail.log").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Mail:
    """A mail that the server accepted."""

    sender: str
    recipient: str
    raw: bytes
    # The parameters of MAIL and RCPT, as they were sent.
    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[str, ...] = ()

    @cached_property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    def text(self, kind: Literal["plain", "html"] = "plain") -> str:
        part = self.message.get_body(preferencelist=(kind,))
        assert part is not None
        content: str = part.get_content()
        return content.replace("\r\n", "\n")


@dataclass
class Refusal:
    answer: str
    times: int | None


class SmtpServer:
    """Accepts every mail until told otherwise. `stop` and `start` keep the port."""

    def __init__(
        self,
        *,
        tls: Literal["none", "starttls", "tls"] = "none",
        context: ssl.SSLContext | None = None,
        sends_reports: bool = True,
    ) -> None:
        self.port = free_port()
        self.mails: list[Mail] = []
        self.connections = 0
        self.sends_reports = sends_reports
        self._tls = tls
        self._context = context
        self._refusals: dict[tuple[Stage, str | None], Refusal] = {}
        self._seconds: dict[Stage, float] = {}
        self._answers_to_lose = 0
        self._controller: _Controller | None = None

    @property
    def url(self) -> str:
        """Returns the value of EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def url_with_login(self) -> str:
        return f"smtp://portico:secret@127.0.0.1:{self.port}"

    def refuse(self, stage: Stage, answer: str, *, to: str | None = None, times: int | None = None) -> None:
        """Replies like this ("550 5.1.1 No such user") at this stage: always, this many times, or to one address.

        At the stage "sender" that is the sender's address.
        """
        self._refusals[stage, to] = Refusal(answer, times)

    def be_slow(self, seconds: float, *, stage: Stage = "content") -> None:
        self._seconds[stage] = seconds

    def lose_answer(self, *, times: int = 1) -> None:
        """Accepts the mail, then closes the connection instead of replying."""
        self._answers_to_lose = times

    def accept(self) -> None:
        """Accepts every mail again."""
        self._refusals.clear()
        self._seconds.clear()
        self._answers_to_lose = 0

    def wait_for(self, count: int, *, seconds: float = 30) -> list[Mail]:
        """Waits until this many mails are accepted; returns them."""
        deadline = time.monotonic() + seconds
        while len(self.mails) < count:
            assert time.monotonic() < deadline, f"{len(self.mails)} mails after {seconds} seconds, not {count}"
            time.sleep(0.02)
        return list(self.mails)

    def start(self) -> None:
        self._controller = _Controller(self, implicit_tls=self._tls == "tls", context=self._context)
        self._controller.start()
        self.connections = 0  # The controller itself connects once.

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def says(self, stage: Stage, address: str | None = None) -> str | None:
        """Waits as told for this stage; returns the refusal, if any."""
        await asyncio.sleep(self._seconds.get(stage, 0))
        refusal = self._refusals.get((stage, address)) or self._refusals.get((stage, None))
        if refusal is None or refusal.times == 0:
            return None
        if refusal.times is not None:
            refusal.times -= 1
        return refusal.answer

    def loses_answer(self) -> bool:
        if self._answers_to_lose == 0:
            return False
        self._answers_to_lose -= 1
        return True


class _Handler:
    """The hooks that aiosmtpd calls by name."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return dsn.with_dsn(responses) if self.server.sends_reports else responses

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = await self.server.says("sender", address)
        if refusal is None:
            envelope.mail_from = address
        return refusal or "250 2.1.0 Sender is fine"

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = await self.server.says("recipient", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 Recipient is fine"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        refusal = await self.server.says("content", recipient)
        if refusal is not None:
            return refusal
        assert isinstance(envelope.content, bytes)
        options = tuple(envelope.mail_options), tuple(envelope.rcpt_options)
        self.server.mails.append(Mail(envelope.mail_from or "", recipient, envelope.content, *options))
        if self.server.loses_answer():
            assert isinstance(smtp.transport, asyncio.Transport)
            smtp.transport.abort()
        return TAKEN


class _Smtp(dsn.DsnSmtp):
    """aiosmtpd's server, which can also refuse connections and logins."""

    def __init__(self, server: SmtpServer, handler: _Handler, **options: Any) -> None:  # Any: aiosmtpd's own options.
        super().__init__(handler, hostname="mail.example.org", ident="ready", enable_SMTPUTF8=True, **options)
        self._server = server
        self._login_refusal: str | None = None

    async def _handle_client(self) -> None:
        self._server.connections += 1
        refusal = await self._server.says("connect")
        if refusal is None:
            await super()._handle_client()
            return
        await self.push(refusal)
        if self.transport is not None:
            self.transport.close()

    async def push(self, status: AnyStr) -> None:
        # After a lost reply the connection is closed.
        if self.transport is not None and not self.transport.is_closing():
            await super().push(status)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        # A client tries one mechanism after the other; a refusal is meant for all of them.
        self._login_refusal = self._login_refusal or await self._server.says("login")
        if self._login_refusal is None:
            await super().smtp_AUTH(arg)
            return
        await self.push(self._login_refusal)


class _Controller(ClosingController):
    def __init__(self, server: SmtpServer, *, implicit_tls: bool, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._starttls_context = None if implicit_tls else context
        super().__init__(
            _Handler(server),
            hostname="127.0.0.1",
            port=server.port,
            ssl_context=context if implicit_tls else None,
        )

    def factory(self) -> SMTP:
        return _Smtp(
            self._server,
            self.handler,
            tls_context=self._starttls_context,
            authenticator=lambda *_: AuthResult(success=True),
            auth_require_tls=False,
            loop=self.loop,
        )


@pytest.fixture
def smtp_server() -> Iterator[Callable[..., SmtpServer]]:
    """Starts servers of any kind: `smtp_server(tls="starttls", context=certificates.server_context())`."""
    with ExitStack() as running:

        def start(**options: Any) -> SmtpServer:  # Any: SmtpServer's own options.
            server = SmtpServer(**options)
            running.callback(server.stop)
            server.start()
            return server

        yield start


@pytest.fixture
def smtp(smtp_server: Callable[..., SmtpServer]) -> SmtpServer:
    """Starts a server without TLS that accepts everything."""
    return smtp_server()
