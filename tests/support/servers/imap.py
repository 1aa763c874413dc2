"""An IMAP server on loopback with one folder of mails, which hangs, refuses or renumbers as a test tells it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sandbox.mailbox.imap_server import ImapServer as Server
from sandbox.mailbox.imap_server import Script
from tests.support.servers.ports import free_port


class Folder:
    """Mails by UID."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}

    def uids(self) -> list[int]:
        return sorted(self.mails)

    def with_uid(self, uid: int) -> bytes | None:
        return self.mails.get(uid)

    def add(self, raw: bytes | str) -> int:
        """Returns the UID of the new mail."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = (raw if isinstance(raw, bytes) else raw.encode()).replace(b"\r\n", b"\n")
        self.mails[uid] = self.mails[uid].replace(b"\n", b"\r\n")
        return uid


class ImapServer:
    """`script` says what the server does; `folder` has its mails."""

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self.folder, self.script, self.port = Folder(), Script(), free_port()
        self._server = Server(self.folder, port=self.port, script=self.script, context=context)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Returns the value of REPORT_MAILBOX_URL."""
        return f"imap://{self.script.user}:{self.script.password}@127.0.0.1:{self.port}/INBOX"

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def imap_server() -> Iterator[Callable[..., ImapServer]]:
    """Starts servers: `imap_server(context=certificates.server_context())` has TLS from the start."""
    with ExitStack() as running:

        def start(*, context: ssl.SSLContext | None = None) -> ImapServer:
            server = ImapServer(context=context)
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture
def imap(imap_server: Callable[..., ImapServer]) -> ImapServer:
    """Starts a server without TLS."""
    return imap_server()
