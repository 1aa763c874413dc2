"""Adapter from granian's RSGI protocol to WSGI.

Granian's own WSGI interface does not distinguish `X_Forwarded_For` from `X-Forwarded-For`, and a slow body occupies a
thread. This adapter drops header names with underscores, and reads the body before it takes a thread.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from wsgiref.types import WSGIApplication

from django.conf import settings
from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]  # Granian does not export HTTPProtocol in its stubs.

# Each keeps a connection to the database (database_address.py).
THREADS = 8
# Enough for a form with a picture over a slow connection.
BODY_TIMEOUT_SECONDS = 60.0
# A browser reads no response while it is sending: the rest of a body that is too large is read and discarded.
DRAIN_SECONDS = 1.0
DRAIN_MAX_BYTES = 32 * 1024 * 1024

type Environ = dict[str, Any]  # Any: as WSGI has it.
type Response = tuple[int, list[tuple[str, str]], bytes]


class Server:
    """The RSGI application that granian calls; one per process."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        environ = environ_of(scope)
        if "CONTENT_LENGTH" in environ:
            environ["wsgi.input"] = io.BytesIO(await read_body(protocol))
        loop = asyncio.get_running_loop()
        status, headers, body = await loop.run_in_executor(self.threads, call_application, self.application, environ)
        protocol.response_bytes(status, headers, body)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.threads.shutdown()


def environ_of(scope: Scope) -> Environ:
    """Returns the WSGI environ without the body. Strings are bytes decoded as Latin-1 (PEP 3333)."""
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _as_latin1(scope.path),
        "QUERY_STRING": _as_latin1(scope.query_string),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, scope.headers.items())
    if scope.authority:  # HTTP/2 has no Host header.
        environ.setdefault("HTTP_HOST", _as_latin1(scope.authority))
    return environ


async def read_body(protocol: HTTPProtocol) -> bytes:
    """Returns the body, at most a little more than DATA_UPLOAD_MAX_MEMORY_SIZE, so that middleware can refuse it.

    A body that breaks off or times out is returned as far as it arrived: shorter than its Content-Length.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    loop = asyncio.get_running_loop()
    body, discarded = bytearray(), 0
    with suppress(TimeoutError):
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS) as timeout:
            async for part in protocol:
                if len(body) > limit:
                    discarded += len(part)
                    if discarded > DRAIN_MAX_BYTES:
                        break
                    continue
                body += part
                if len(body) > limit:
                    timeout.reschedule(loop.time() + DRAIN_SECONDS)
    return bytes(body)


def call_application(application: WSGIApplication, environ: Environ) -> Response:
    """Returns status, headers and body. Responses are small enough not to be streamed."""
    started: list[tuple[int, list[tuple[str, str]]]] = []
    parts: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], error: object = None, /
    ) -> Callable[[bytes], object]:
        started.append((int(status.partition(" ")[0]), headers))
        return parts.append

    response: Iterable[bytes] = application(environ, start_response)
    try:
        parts.extend(response)
    finally:
        if hasattr(response, "close"):
            response.close()
    status, headers = started[-1]
    return status, headers, b"".join(parts)


def _add_headers(environ: Environ, headers: Iterable[tuple[str, str]]) -> None:
    """Joins repeated headers. Drops names with underscores, which would overwrite the header with dashes."""
    for name, value in headers:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        previous = environ.get(key)
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = _as_latin1(value) if previous is None else f"{previous}{separator}{_as_latin1(value)}"


def _as_latin1(text: str) -> str:
    return text.encode(errors="surrogateescape").decode("latin-1")
