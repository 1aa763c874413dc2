"""`portico web`: checks the port, collects static files, then serves the pages."""

import errno
import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import get_resolver

from portico import hosts
from portico.operating import listening_sockets, malloc_arenas, static_collection, web_server
from portico.web.http.wsgi_application import Application


class Command(BaseCommand):
    # `make check` runs them.
    requires_system_checks: list[str] = []
    help = "Runs the web server. On SIGTERM, finishes the current requests and exits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", help="default: the environment's PORT, else 8000")
        parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")

    def handle(self, *args: str, host: str, port: str | None, workers: int, **options: Any) -> None:  # Any: Django's.
        number = port_number(port or os.environ.get("PORT") or "8000")
        if workers < 1:
            raise CommandError("--workers must be 1 or more.")
        malloc_arenas.share_one()
        listener = listen(host, number)
        static_collection.collect_if_stale()
        application = Application()
        # Loads the views before the processes fork, so that they share the memory.
        _ = get_resolver().url_patterns
        sys.exit(web_server.serve(application, listener, processes=workers))


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise CommandError(f"A port is a number from 1 to 65535, not {text[:20]!r}. It comes from --port or PORT.")
    return int(text)


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Raises CommandError if the port is taken or the host is wrong."""
    try:
        return listening_sockets.listen(host, port)
    except hosts.MalformedHost:
        raise CommandError(f"--host must be an address such as 127.0.0.1 or 0.0.0.0, not {host!r}.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"Port {port} is in use. Stop the other program or choose another --port.") from None
        raise CommandError(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from error
