"""`portico web`: checks the port, collects static files, then replaces itself with the web server."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portico import hosts
from portico.operating import ports, static_files

LOGS = Path(__file__).parents[2] / "granian_logs.json"
# Longer than any request may take. Process managers should wait a little longer before they kill the server.
SECONDS_TO_FINISH = 30


class Command(BaseCommand):
    # `make check` runs them; here they would load all views before the first request.
    requires_system_checks: list[str] = []
    help = "Serves the pages. SIGTERM: finishes the requests at hand, then ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", help="default: the environment's PORT, else 8000")
        parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")

    def handle(self, *args: str, host: str, port: str | None, workers: int, **options: Any) -> None:  # Any: Django's.
        number = port_number(port or os.environ.get("PORT") or "8000")
        if workers < 1:
            raise CommandError("--workers must be 1 or more.")
        address = listening_address(host, number)
        static_files.collect_if_stale()
        sys.stdout.flush()
        # exec instead of a child process: signals reach the server directly.
        os.execvp(sys.executable, command(address, number, workers))  # noqa: S606  # No shell, and no input from outside.


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise CommandError(f"A port is a number from 1 to 65535, not {text[:20]!r}. It comes from --port or PORT.")
    return int(text)


def listening_address(host: str, port: int) -> str:
    """Returns the IP address of the host. Raises CommandError if the port is taken there or the host is wrong."""
    try:
        address = ports.address_of(host)
        is_free = ports.is_free(address, port)
    except hosts.MalformedHost:
        raise CommandError(f"--host must be an address such as 127.0.0.1 or 0.0.0.0, not {host!r}.") from None
    except OSError as error:
        raise CommandError(f"Cannot listen on {host}, port {port}: {error.strerror or error}.") from error
    if not is_free:
        raise CommandError(f"Port {port} is taken: something else listens on it. Stop that or choose another --port.")
    return address


def command(host: str, port: int, workers: int) -> list[str]:
    """Returns the command line of granian, which passes requests on unchanged (web/serving.py)."""
    return [
        sys.executable,
        *("-m", "granian"),
        *("--interface", "rsgi", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(workers), "--workers-kill-timeout", str(SECONDS_TO_FINISH)),
        *("--log-config", str(LOGS)),
        "portico.wsgi:server",
    ]
