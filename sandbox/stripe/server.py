"""The HTTP server: the API, the hosted pages and the control URLs, on loopback only."""

import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from sandbox.stripe import api, control
from sandbox.stripe.hosted_pages import routing
from sandbox.stripe.sandbox import Sandbox

# The Host header must name this machine, so that no other site can post here (DNS rebinding).
OWN_NAMES = {"localhost", "127.0.0.1"}
MOST_BYTES = 1024 * 1024


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        # If the port is taken, the base class closes the server.
        self.open_connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Handler)
        self.sandbox = sandbox

    def server_close(self) -> None:
        """Also ends the connections that callers keep open, and with them their threads."""
        super().server_close()
        for connection in tuple(self.open_connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores disconnected clients; reports any other error as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # As it came.


class Handler(BaseHTTPRequestHandler):
    server_version = "sandbox"
    sys_version = ""
    timeout = 60
    protocol_version = "HTTP/1.1"
    # A response is sent at once and as one piece, not its head first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        cast(Server, self.server).open_connections.add(self.connection)

    def finish(self) -> None:
        cast(Server, self.server).open_connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:  # The name is the library's.
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002  # The name is the library's.
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Returns the `Date` header: the sandbox's own time, which a test may advance."""
        sandbox = cast(Server, self.server).sandbox
        return super().date_time_string(sandbox.clock.now() if timestamp is None else timestamp)

    def _answer(self) -> None:
        sandbox = cast(Server, self.server).sandbox
        parts = urlsplit(self.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)).decode("utf-8", "replace")
        if self.headers.get("Host", "").rpartition(":")[0] not in OWN_NAMES:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, b"The sandbox answers to localhost only.\n", {})
            return
        if parts.path.startswith("/v1/"):
            self._answer_call(
                api.answer(
                    sandbox,
                    api.Call(
                        method=self.command,
                        path=parts.path,
                        query=parts.query,
                        body=body,
                        key=self.headers.get("Authorization", "").removeprefix("Bearer "),
                        idempotency_key=self.headers.get("Idempotency-Key", ""),
                    ),
                )
            )
            return
        if parts.path.startswith("/_sandbox/"):
            self._send(*control.answer(sandbox, self.command, parts.path, body, self.headers.get("Content-Type", "")))
            return
        page = routing.answer(sandbox, self.command, parts.path, parts.query, body)
        self._send(page.status, page.body, page.headers)

    def _answer_call(self, answer: api.Response | None) -> None:
        if answer is None:
            self.close_connection = True
            return
        length = len(answer.body)
        body = answer.body if answer.whole else answer.body[: length // 2]
        self.close_connection = not answer.whole
        self._send(answer.status, body, dict(answer.headers), length=length)

    def _send(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class SandboxStripe(Sandbox):
    """The sandbox with its server, on loopback only. `start` and `stop`, or a `with` block.

    `url` is what STRIPE_API_BASE is set to.
    """

    def __init__(self, *, store: Path | None = None, port: int = 0) -> None:
        super().__init__(store=store)
        self._server = Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://localhost:{self._server.server_address[1]}"

    def start(self) -> "SandboxStripe":
        self._thread.start()
        self.post.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.post.stop()
        self.store.close()

    def __enter__(self) -> "SandboxStripe":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
