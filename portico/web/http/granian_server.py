"""From granian's own protocol to WSGI and back, so that Portico sees requests as they came.

By granian's WSGI `X_Forwarded_For` has already become the same as `X-Forwarded-For`, and a body that trickles in holds
a thread. Here names with underscores are left out, and a body is gathered before a thread is taken.
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
from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]  # The first is there for us to import.

# One database connection each: no more than the pool of a process has (configuration.py).
THREADS = 8
# A form with a picture over a poor connection takes less.
SECONDS_TO_ARRIVE = 60.0
# A browser that is still sending does not listen: what is too large is read and thrown away, for this long.
DRAIN_SECONDS = 1.0
DRAIN_MOST = 32 * 1024 * 1024

type Environ = dict[str, Any]  # Any: as WSGI has it.
type Answer = tuple[int, list[tuple[str, str]], bytes]


class Server:
    """What granian calls, with `--interface rsgi`: one for each process."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        environ = environ_of(scope)
        if "CONTENT_LENGTH" in environ:
            environ["wsgi.input"] = io.BytesIO(await gathered(protocol))
        loop = asyncio.get_running_loop()
        status, headers, body = await loop.run_in_executor(self.threads, answered, self.application, environ)
        protocol.response_bytes(status, headers, body)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.threads.shutdown()


def environ_of(scope: Scope) -> Environ:
    """The request without its body. Its texts are bytes in the guise of Latin-1, as WSGI wants them."""
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _in_disguise(scope.path),
        "QUERY_STRING": _in_disguise(scope.query_string),
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
    if scope.authority:  # HTTP/2 has no Host.
        environ.setdefault("HTTP_HOST", _in_disguise(scope.authority))
    return environ


async def gathered(protocol: HTTPProtocol) -> bytes:
    """The body; of one that is too large only so much that whoever reads it sees that.

    One that breaks off or stops on its way is given as far as it came: it is shorter than was announced.
    """
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    loop = asyncio.get_running_loop()
    body, thrown_away = bytearray(), 0
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS_TO_ARRIVE) as patience:
            async for part in protocol:
                if len(body) > most:
                    thrown_away += len(part)
                    if thrown_away > DRAIN_MOST:
                        break
                    continue
                body += part
                if len(body) > most:
                    patience.reschedule(loop.time() + DRAIN_SECONDS)
    return bytes(body)


def answered(application: WSGIApplication, environ: Environ) -> Answer:
    """Status, headers and body, whole: no page of ours is so large that it would have to be sent in parts."""
    said: list[tuple[int, list[tuple[str, str]]]] = []
    parts: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], error: object = None, /) -> Callable[[bytes], object]:
        said.append((int(status.partition(" ")[0]), headers))
        return parts.append

    answer: Iterable[bytes] = application(environ, start)
    try:
        parts.extend(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, headers = said[-1]
    return status, headers, b"".join(parts)


def _add_headers(environ: Environ, headers: Iterable[tuple[str, str]]) -> None:
    """Of a name that comes twice, what it says is joined; names with underscores are nobody's but a forger's."""
    for name, value in headers:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        before = environ.get(key)
        mark = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = _in_disguise(value) if before is None else f"{before}{mark}{_in_disguise(value)}"


def _in_disguise(text: str) -> str:
    return text.encode(errors="surrogateescape").decode("latin-1")
