"""Web servers and workers that start at once: forked from a process in which Portico is loaded.

They behave like those started by a command (`processes`), without the two seconds of imports. Run as a program, this
module is the parent: it reads what to start from its input, a line each, and prints the process id. It has no
connection and no thread, which a fork must not share.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from tests.support.ports import free_port
from tests.support.processes import ROOT, Process, Processes, answers


class Forked(Process):
    """A running process that is not a child of the test process."""

    def __init__(self, name: str, pid: int, log_file: Path) -> None:
        self.name, self.log_file, self.url = name, log_file, ""
        self._pid = pid

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def is_running(self) -> bool:
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

    def wait(self, *, seconds: float = 20) -> int:
        """Waits for the end. Returns 0: only the parent learns the exit code."""
        deadline = time.monotonic() + seconds
        while self.is_running:
            assert time.monotonic() < deadline, f"The {self.name} goes on."
            time.sleep(0.01)
        return 0


class Nursery:
    """The parent process. All children share its environment; `with` ends those that still run."""

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

    def worker(self) -> Forked:
        return self._start("worker")

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._born:
            process.kill()
        self._popen.communicate(timeout=20)

    def _start(self, *words: str) -> Forked:
        with self._one_at_a_time:
            log_file = self._folder / f"forked-{words[0]}-{len(self._born)}.log"
            log_file.touch()  # It may be read before the process has started.
            self._write_line(json.dumps([str(log_file), *words]))
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


def _become(log_file: str, part: str, *words: str) -> None:
    """Turns this process into the web server or worker. Does not return."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, stream in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(number, stream)
    from django.core.management import call_command  # noqa: PLC0415

    call_command(part, *(("--port", *words) if part == "web" else ()))


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
