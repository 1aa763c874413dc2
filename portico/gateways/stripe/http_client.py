"""The HTTP client given to Stripe's SDK: each call ends by the deadline, and none is retried.

The SDK's own clients limit each read, not the call: a response that trickles in would never time out.
Each call opens a connection of its own, so that none fails because Stripe closed an idle one. Only many reads in a row
share one: a read that fails on it is sent again on a new connection.
"""

import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Any, cast
from urllib.parse import urlsplit

import stripe

from portico.gateways.stripe.deadline import Deadline

CONNECT_SECONDS = 3.0


class ResponseLost(stripe.APIConnectionError):
    """No complete response arrived."""

    def __init__(self, message: str) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]  # The SDK's own is not typed.


class RequestNotSent(ResponseLost):
    """No connection was made: the request did not reach Stripe."""


class HttpClient(stripe.HTTPClient):
    """The SDK's transport. Raises ResponseLost if no complete response arrives."""

    name = "portico"

    def __init__(self, deadline: Deadline, *, keeps_connection: bool = False) -> None:
        super().__init__()
        self.deadline = deadline
        # Stripe's time at its last complete response.
        self.response_time: datetime | None = None
        self._keeps_connection = keeps_connection
        self._kept: _Connection | None = None

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # Any: the SDK's own type; the encoded form.
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Returns the response's body, status and headers."""
        self.response_time = None
        request = _Request(method.upper(), url, dict(headers or {}), post_data)
        if not self._keeps_connection or request.method != "GET":
            connection = _Connection(request.url, self.deadline)
            try:
                return self._send(request, connection)
            finally:
                connection.disconnect()
        kept, self._kept = self._kept, None
        if kept is not None and not kept.leads_to(request.url):
            kept.disconnect()
        elif kept is not None:
            try:
                return self._send_and_keep(request, kept)
            except ResponseLost:
                pass  # Stripe may have closed it. Reading again changes nothing.
        return self._send_and_keep(request, _Connection(request.url, self.deadline))

    def close(self) -> None:
        """Closes the connection that was kept for the next read."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.disconnect()

    def _send_and_keep(self, request: "_Request", connection: "_Connection") -> tuple[str, int, Mapping[str, str]]:
        connection.deadline = self.deadline
        try:
            answer = self._send(request, connection)
        except BaseException:
            connection.disconnect()
            raise
        if connection.is_open:
            self._kept = connection
        else:
            connection.disconnect()
        return answer

    def _send(self, request: "_Request", connection: "_Connection") -> tuple[str, int, Mapping[str, str]]:
        try:
            connection.open()
            parts = urlsplit(request.url)
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(request.method, path, request.body, request.headers)
            response = connection.getresponse()
            body = response.read()
            self.response_time = _date(response.headers)
            return body.decode("utf-8", "replace"), response.status, _lowercase(response.headers)
        except (OSError, HTTPException) as error:
            raise ResponseLost(f"No complete response: {type(error).__name__}") from error


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: Any  # Any: the SDK's own type.


class _Connection(HTTPConnection):
    def __init__(self, url: str, deadline: Deadline) -> None:
        self._is_https, host, port = _origin_of(url)
        super().__init__(host, port)
        self.deadline = deadline
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Returns False before it is opened, and once the server has said that it closes it."""
        return self.sock is not None

    def leads_to(self, url: str) -> bool:
        return (self._is_https, self.host, self.port) == _origin_of(url)

    def open(self) -> None:
        """Connects, unless it is connected. Raises RequestNotSent."""
        if self.is_open:
            return
        try:
            self._socket = connected = _connect(self.host, self.port, self.deadline)
            if self._is_https:
                self._socket = connected = _tls_context().wrap_socket(connected, server_hostname=self.host)
        except OSError as error:
            raise RequestNotSent(f"No connection: {type(error).__name__}") from error
        self.sock = cast(socket.socket, _DeadlineSocket(connected, self))

    def disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _origin_of(url: str) -> tuple[bool, str, int]:
    """Returns whether the URL is https, its host and its port."""
    parts = urlsplit(url)
    is_https = parts.scheme == "https"
    return is_https, parts.hostname or "", parts.port or (443 if is_https else 80)


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connects to the first address of the host that accepts; CONNECT_SECONDS is for all of them together."""
    connect_deadline = Deadline(CONNECT_SECONDS)
    last_error: OSError = TimeoutError("no address answered")
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        left = min(connect_deadline.left(), deadline.left())
        if left <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(left)
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(max(min(CONNECT_SECONDS, deadline.left()), 0.001))
            return connection
        except OSError as error:
            last_error = error
            connection.close()
    raise last_error


class _DeadlineSocket:
    """A socket that never waits beyond the deadline, even if a response arrives in small pieces."""

    def __init__(self, connected: socket.socket, connection: _Connection) -> None:
        self._socket = connected
        self._connection = connection

    def sendall(self, data: Any) -> None:  # Any: any bytes-like object.
        self._limit_wait()
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_SocketReader(self))

    def receive(self, buffer: memoryview) -> int:
        self._limit_wait()
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        """Does nothing: http.client closes the socket before it has read the body. See `disconnect`."""

    def _limit_wait(self) -> None:
        left = self._connection.deadline.left()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._socket.settimeout(left)


class _SocketReader(io.RawIOBase):
    def __init__(self, source: _DeadlineSocket) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: the io module's own type, a writable buffer.
        return self._source.receive(memoryview(buffer))


@cache
def _tls_context() -> ssl.SSLContext:
    """Returns a context with the SDK's certificates, read once: a small system may have none of its own."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


def _lowercase(headers: HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _date(headers: HTTPMessage) -> datetime | None:
    """Returns the time of the `Date` header, in UTC; None if it is missing or malformed."""
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
