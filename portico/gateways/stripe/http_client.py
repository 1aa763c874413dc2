"""The SDK's calls over HTTP: each within the deadline as a whole, none made twice.

The SDK's own clients limit each read, not the call: an answer in drops would outlast any patience.
A connection is made for each call, so that none breaks because the other end had closed it before.
"""

import io
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Any, cast
from urllib.parse import urlsplit

import stripe

from portico.gateways.stripe.deadline import Deadline

CONNECT_SECONDS = 3.0


class ResponseLost(stripe.APIConnectionError):
    """No whole answer came."""

    def __init__(self, message: str) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]  # The SDK's own is not typed.


class RequestNotSent(ResponseLost):
    """No connection: Stripe knows nothing of this call."""


class HttpClient(stripe.HTTPClient):
    """What the SDK calls. An answer that did not come whole is AnswerLost."""

    name = "portico"

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline
        # Stripe's time when it gave its last whole answer.
        self.told_time: datetime | None = None

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # Any: as the SDK has it; the encoded form.
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Body, status and headers."""
        self.told_time = None
        parts = urlsplit(url)
        connection = _Connection(parts.hostname or "", parts.port, self._deadline, is_safe=parts.scheme == "https")
        try:
            connection.open()
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method.upper(), path, post_data, dict(headers or {}))
            response = connection.getresponse()
            body = response.read()
            self.told_time = _time(response.headers)
            return body.decode("utf-8", "replace"), response.status, _lower(response.headers)
        except (OSError, HTTPException) as error:
            raise ResponseLost(f"No whole answer: {type(error).__name__}") from error
        finally:
            connection.hang_up()

    def close(self) -> None:
        """Nothing stays open between calls."""


class _Connection(HTTPConnection):
    def __init__(self, host: str, port: int | None, deadline: Deadline, *, is_safe: bool) -> None:
        super().__init__(host, port or (443 if is_safe else 80))
        self._deadline = deadline
        self._is_safe = is_safe
        self._reached: socket.socket | None = None

    def open(self) -> None:
        """Raises NothingSent."""
        try:
            self._reached = reached = _reach(self.host, self.port, self._deadline)
            if self._is_safe:
                self._reached = reached = _authorities().wrap_socket(reached, server_hostname=self.host)
        except OSError as error:
            raise RequestNotSent(f"No connection: {type(error).__name__}") from error
        self.sock = cast(socket.socket, _Hurried(reached, self._deadline))

    def hang_up(self) -> None:
        if self._reached is not None:
            self._reached.close()


def _reach(host: str, port: int, deadline: Deadline) -> socket.socket:
    """The first of the host's addresses that answers, all of them within the time for connecting."""
    together = Deadline(CONNECT_SECONDS)
    trouble: OSError = TimeoutError("no address answered")
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        left = min(together.left(), deadline.left())
        if left <= 0:
            break
        reached = socket.socket(family, kind, protocol)
        try:
            reached.settimeout(left)
            reached.connect(address)
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reached.settimeout(max(min(CONNECT_SECONDS, deadline.left()), 0.001))
            return reached
        except OSError as error:
            trouble = error
            reached.close()
    raise trouble


class _Hurried:
    """A socket that never waits beyond the deadline, however small the pieces in which an answer comes."""

    def __init__(self, own: socket.socket, deadline: Deadline) -> None:
        self._own = own
        self._deadline = deadline

    def sendall(self, data: Any) -> None:  # Any: bytes of whatever kind.
        self._hurry()
        self._own.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self))

    def receive(self, buffer: memoryview) -> int:
        self._hurry()
        return self._own.recv_into(buffer)

    def close(self) -> None:
        """Not yet: the library lets go of the socket before it has read the body. See `hang_up`."""

    def _hurry(self) -> None:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._own.settimeout(left)


class _Reading(io.RawIOBase):
    def __init__(self, source: _Hurried) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: a writable buffer, as the io module has it.
        return self._source.receive(memoryview(buffer))


def _authorities() -> ssl.SSLContext:
    """Those that come with the SDK: a small system may have none of its own."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


def _lower(headers: HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _time(headers: HTTPMessage) -> datetime | None:
    """The time of the `Date` header, in UTC; None if it is missing or malformed."""
    try:
        told = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
