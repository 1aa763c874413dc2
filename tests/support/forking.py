"""Web servers and workers that start at once: forked from a process in which Portico is loaded.

They behave like those started by a command (`processes`), without the two seconds of imports. Run as a program, this
module is the parent: it reads what to start from its input, a line each, and prints the process id. It has no
connection and no thread, which a fork must not share. A worker may have other settings than the parent: the code of
workers reads them when it needs them.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO

from tests.support.ports import free_port
from tests.support.processes import ROOT, Process, Processes, answers


class Forked(Process):
    """A running process that is not a child of the test process."""

    def __init__(self, name: str, pid: int, log_file: Path) -> None:
        self.name, self.log_file, self.url = name, log_file, ""
        self._pid = pid
        self._has_ended = False

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def is_running(self) -> bool:
        if self._has_ended:
            return False  # Another process may have this id by now.
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """Ends it and what it started without asking (SIGKILL)."""
        if self.is_running:
            os.killpg(self._pid, signal.SIGKILL)
        self.wait()

    def stop(self, *, seconds: float = 60) -> int:
        """Sends SIGTERM and waits; returns the exit code."""
        if self.is_running:
            os.kill(self._pid, signal.SIGTERM)
        return self.wait(seconds=seconds)

    def wait(self, *, seconds: float = 60) -> int:
        """Waits for the end; returns the exit code, or -9 if it was killed."""
        deadline = time.monotonic() + seconds
        while self.is_running:
            assert time.monotonic() < deadline, f"The {self.name} goes on."
            time.sleep(0.01)
        self._has_ended = True
        exit_code = _exit_code_file(self.log_file)
        return int(exit_code.read_text()) if exit_code.exists() else -signal.SIGKILL


class Nursery:
    """The parent process; `with` ends the children that still run."""

    def __init__(self, processes: Processes, **changes: str) -> None:
        self._folder = processes.folder
        self._born: list[Forked] = []
        self._one_at_a_time = threading.Lock()
        self._popen = subprocess.Popen(
            (sys.executable, "-m", "tests.support.forking"),
            cwd=ROOT, env=processes.environment(**changes), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def web(self) -> Forked:
        """Starts a web server and waits until it is ready."""
        port = free_port()
        server = self._start("web", str(port))
        server.url = f"http://localhost:{port}"
        server.wait_for(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        return server

    def worker(self, folder: Path | None = None, **changes: str) -> Forked:
        """Starts a worker with the parent's environment and these changes; its log is in the folder."""
        return self._start("worker", folder=folder, **changes)

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._born:
            process.kill()
        self._popen.communicate(timeout=20)

    def _start(self, *words: str, folder: Path | None = None, **changes: str) -> Forked:
        with self._one_at_a_time:
            log_file = (folder or self._folder) / f"forked-{words[0]}-{len(self._born)}.log"
            log_file.touch()  # It may be read before the process has started.
            self._write_line(json.dumps([str(log_file), changes, *words]))
            born = Forked(words[0], int(self._read_line()), log_file)
            self._born.append(born)
        return born

    def _write_line(self, line: str) -> None:
        stream: IO[str] | None = self._popen.stdin
        assert stream is not None
        stream.write(f"{line}\n")
        stream.flush()

    def _read_line(self) -> str:
        stream: IO[str] | None = self._popen.stdout
        assert stream is not None
        return stream.readline()


def _load() -> None:
    """Imports what a web server and a worker import."""
    from django.urls import get_resolver  # noqa: PLC0415  # The settings come from this program's environment.

    import portico.wsgi  # noqa: F401, PLC0415
    from portico.operating.management.commands import web, worker  # noqa: F401, PLC0415

    assert get_resolver().url_patterns


def _exit_code_file(log_file: Path) -> Path:
    return log_file.with_suffix(".exit")


def _become(log_file: str, changes: dict[str, str], part: str, *words: str) -> None:
    """Turns this process into the web server or worker, and writes down its exit code."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, stream in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(number, stream)
    from django.core.management import call_command  # noqa: PLC0415

    if changes:
        _change_settings(changes)
    exit_code = 1
    try:
        call_command(part, *(("--port", *words) if part == "web" else ()))
        exit_code = 0
    except Exception:  # noqa: BLE001  # As Python does at the end of a program.
        traceback.print_exc()
    finally:
        _exit_code_file(Path(log_file)).write_text(str(exit_code))


def _change_settings(changes: dict[str, str]) -> None:
    """Reads the settings again from the changed environment."""
    from django.conf import settings  # noqa: PLC0415

    os.environ.update(changes)
    read = importlib.reload(importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"]))
    for name in filter(str.isupper, dir(read)):
        setattr(settings, name, getattr(read, name))


def main() -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Children leave no zombies.
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                _become(*json.loads(line))
            finally:
                os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
