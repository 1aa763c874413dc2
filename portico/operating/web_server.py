"""Runs the web server: waitress, in one process or in several that share the listening socket."""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

from portico.operating.waitress_channel import Channel

logger = logging.getLogger(__name__)

# Each keeps a connection to the database (database_address.py).
THREADS = 8
# Each takes up to two files, for the connection and for a body; the usual limit is 1,024.
MAX_CONNECTIONS = 500
# A connection on which nothing arrives is closed after this time.
IDLE_SECONDS = 60
CLEAN_UP_SECONDS = 5
# Of bodies without an announced length; others are limited by waitress_channel.py.
MAX_BODY_BYTES = 32 * 1024 * 1024
# Longer than any request may take. Process managers should wait a little longer before they kill the server.
SECONDS_TO_FINISH = 30
SECONDS_FOR_BODIES = 5


class Server:
    """One process: a thread that reads requests and writes responses, and threads that call the application."""

    def __init__(self, application: WSGIApplication, listener: socket.socket) -> None:
        self.is_stopping = False
        self._connections: dict[int, Any] = {}  # Any: waitress is not typed.
        self._server = create_server(
            application,
            map=self._connections,
            sockets=[listener],
            threads=THREADS,
            ident="web",
            # TRUSTED_PROXY_COUNT decides about them (ip_and_browser.py).
            clear_untrusted_proxy_headers=False,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=CLEAN_UP_SECONDS,
            max_request_body_size=MAX_BODY_BYTES,
        )
        self._server.channel_class = Channel

    def run(self, *, parent: int | None = None) -> None:
        """Serves until `stop` is called or the parent process ends, then finishes the current requests."""
        logger.info("web.started", extra={"port": self._server.effective_port})
        while not self.is_stopping and parent in {None, os.getppid()}:
            self._wait(1)
        self._finish()
        logger.info("web.stopped")

    def stop(self) -> None:
        """Makes `run` return. Safe in a signal handler."""
        self.is_stopping = True
        self._server.pull_trigger()

    def _finish(self) -> None:
        """Stops listening and closes each connection when its request is answered."""
        self._server.del_channel()
        self._server.socket.close()
        started = time.monotonic()
        while self._server.active_channels and (passed := time.monotonic() - started) < SECONDS_TO_FINISH:
            for channel in list(self._server.active_channels.values()):
                is_receiving = channel.request is not None and passed < SECONDS_FOR_BODIES
                if not (is_receiving or channel.requests or channel.total_outbufs_len):
                    channel.handle_close()
            self._wait(0.1)
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        self._server.task_dispatcher.shutdown(timeout=1)

    def _wait(self, seconds: float) -> None:
        """Waits until a socket is ready, and reads, writes or accepts."""
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._connections, count=1)


def serve(application: WSGIApplication, listener: socket.socket, *, processes: int) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code: 1 if one of several processes ended by itself."""
    if processes > 1:
        return _serve_in_children(application, listener, processes)
    _run(Server(application, listener))
    return 0


def _run(server: Server, *, parent: int | None = None) -> None:
    _on_stop_signals(server.stop)
    server.run(parent=parent)


def _serve_in_children(application: WSGIApplication, listener: socket.socket, processes: int) -> int:
    """Forks, and ends all processes when one ends."""
    parent = os.getpid()
    children: set[int] = set()
    stopping: list[bool] = []
    # Else each child's first full collection writes to every object, and the processes share hardly any memory.
    gc.freeze()
    for _ in range(processes):
        pid = os.fork()
        if not pid:
            _run(Server(application, listener), parent=parent)
            os._exit(0)
        children.add(pid)
    listener.close()

    def stop() -> None:
        stopping.append(True)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    _on_stop_signals(stop)
    children.remove(os.wait()[0])
    code = 0 if stopping else 1
    stop()
    while children:
        children.remove(os.wait()[0])
    return code


def _on_stop_signals(stop: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
