"""Starts commands of Portico at once: forked from a process in which Portico is loaded.

They behave like those started by `manage.py`, without the two seconds of imports. Run as a program, this module is the
parent: it reads what to start from its input, a line each; the child prints its process id. It has no connection and no
thread, which a fork must not share.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# Variables that are read again after the fork. Modules read others while they are imported.
CHANGEABLE = {
    *("PUBLIC_BASE_URL", "PORT", "DATABASE_URL", "DATABASE_POOLED", "EMAIL_URL", "EMAIL_PER_SECOND"),
    *("REPORT_MAILBOX_URL", "STRIPE_API_BASE", "ALLOW_TEST_ENDPOINTS"),
}


class ForkServer:
    """The parent process, started at the first fork; end it with `close`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._one_at_a_time = threading.Lock()
        self._popen: subprocess.Popen[str] | None = None

    def can_fork(self, environment: dict[str, str]) -> bool:
        """Returns False if a process with this environment must import the modules itself."""
        ours = self._environment
        changed = {name for name in environment.keys() | ours.keys() if environment.get(name) != ours.get(name)}
        kinds = {_scheme(each, name) for each in (environment, ours) for name in ("DATABASE_URL", "PUBLIC_BASE_URL")}
        return changed <= CHANGEABLE and len(kinds) == 2

    def fork(self, arguments: tuple[str, ...], environment: dict[str, str], output: Path, errors: Path) -> int:
        """Starts a command, such as ("worker",), and returns its process id; its exit code is in `exit_code_file`."""
        with self._one_at_a_time:
            self._popen = self._popen or self._start()
            reads, writes = self._popen.stdout, self._popen.stdin
            assert reads is not None
            assert writes is not None
            writes.write(f"{json.dumps([arguments, environment, str(output), str(errors)])}\n")
            writes.flush()
            return int(reads.readline())

    def close(self) -> None:
        if self._popen:
            self._popen.communicate(timeout=60)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "tests.support.processes.forking"),
            cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip


def exit_code_file(output: Path) -> Path:
    return output.with_suffix(".exit")


def _scheme(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    return name, environment[name].partition(":")[0]


def _load() -> None:
    """Imports what a web server and a worker import."""
    from django.urls import get_resolver  # noqa: PLC0415  # The settings come from this program's environment.

    import portico.cli  # noqa: PLC0415
    import portico.wsgi  # noqa: F401, PLC0415
    from portico.operating import command_runner  # noqa: F401, PLC0415
    from portico.operating.management.commands import web, worker  # noqa: F401, PLC0415

    assert get_resolver().url_patterns


def _become(arguments: list[str], environment: dict[str, str], output: str, errors: str) -> None:
    """Turns this process into the command, and writes down its exit code."""
    os.setsid()
    # Only now, when a kill of its group reaches it.
    os.write(1, f"{os.getpid()}\n".encode())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    opened = {0: os.open(os.devnull, os.O_RDONLY), 1: _opened(output), 2: _opened(errors)}
    for stream, number in opened.items():
        os.dup2(number, stream)
        os.close(number)
    os.environ.clear()
    os.environ.update(environment)
    _read_settings_again()
    from portico import cli  # noqa: PLC0415

    exit_code = 1
    try:
        cli.main(["manage.py", *arguments])
        exit_code = 0
    except SystemExit as end:
        exit_code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001  # As Python does at the end of a program.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        exit_code_file(Path(output)).write_text(str(exit_code))


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _read_settings_again() -> None:
    from django.conf import settings  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    read = importlib.reload(importlib.import_module(settings.SETTINGS_MODULE))
    for name in filter(str.isupper, dir(read)):
        setattr(settings, name, getattr(read, name))
    for connection in connections.all():
        del connections[connection.alias]
    connections.settings = connections.configure_settings(settings.DATABASES)


def main() -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Children leave no zombies.
    for line in sys.stdin:
        if not os.fork():
            try:
                _become(*json.loads(line))
            finally:
                os._exit(0)


if __name__ == "__main__":
    main()
