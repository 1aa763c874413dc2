"""The virus scanner clamd, asked over its own protocol (clamd(8), INSTREAM)."""

import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from portico import hosts

STEP_SECONDS = 20.0
# Below the lease of a file (plumbing/files/virus_checks.py).
SCAN_SECONDS = 100.0
MAX_REPLY_BYTES = 4096
DEFAULT_PORT = 3310


class ScannerAway(OSError):
    """The scanner cannot be reached or does not answer in its protocol; the message says why."""


class ContentRefused(ValueError):
    """The scanner refuses this content, as a rule because it is above its StreamMaxLength."""


@dataclass(frozen=True)
class Clamd:
    """A clamd on a TCP port, or on a Unix socket if `path` is set."""

    host: str = ""
    port: int = DEFAULT_PORT
    path: str = ""

    def scan(self, parts: Iterable[bytes]) -> str:
        """Returns the name of the virus in the content, empty if there is none. Raises ScannerAway, ContentRefused."""
        try:
            with self._connect() as connection:
                reply = _scan(connection, parts)
        except OSError as error:
            raise ScannerAway(f"clamd cannot be reached: {error}") from error
        answer = reply.rstrip(b"\0\n").decode("utf-8", "replace").removeprefix("stream: ")
        if answer == "OK":
            return ""
        if answer.endswith(" FOUND"):
            return answer.removesuffix(" FOUND")
        if "size limit exceeded" in answer:
            raise ContentRefused(answer)
        raise ScannerAway(f"clamd answered {answer[:200]!r}.")

    def _connect(self) -> socket.socket:
        if not self.path:
            return socket.create_connection((self.host, self.port), timeout=STEP_SECONDS)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(STEP_SECONDS)
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection


def parse(url: str) -> Clamd:
    """Parses CLAMD_URL. Raises ValueError with a sentence."""
    form = "must look like tcp://127.0.0.1:3310 or unix:///run/clamav/clamd.ctl."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = hosts.without_brackets(hosts.normalized(host)) if host else ""
    except ValueError:
        raise ValueError(form) from None
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(form)
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return Clamd(path=unquote(parts.path))
    if parts.scheme != "tcp" or not host or parts.path not in {"", "/"} or port == 0:
        raise ValueError(form)
    return Clamd(host, port or DEFAULT_PORT)


def _scan(connection: socket.socket, parts: Iterable[bytes]) -> bytes:
    """Sends the content and returns the reply. Raises OSError."""
    until = time.monotonic() + SCAN_SECONDS
    try:
        connection.sendall(b"zINSTREAM\0")
        for part in parts:
            connection.sendall(struct.pack(">I", len(part)) + part)
            if time.monotonic() > until:
                raise TimeoutError("the scan takes too long")
        connection.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        # clamd has answered and closed, at its limit of bytes: the answer may still be read.
        pass
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < MAX_REPLY_BYTES:
        connection.settimeout(max(until - time.monotonic(), 0.1))
        received = connection.recv(MAX_REPLY_BYTES)
        if not received:
            break
        reply += received
    if not reply:
        raise ConnectionError("it closed the connection without an answer")
    return reply
