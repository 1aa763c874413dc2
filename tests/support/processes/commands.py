"""Starts `portico web`, `portico worker` and other commands on the test's own database."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.environment import TEST_ENVIRONMENT
from tests.support.processes import forking
from tests.support.processes.forking import ROOT, ForkServer
from tests.support.servers.ports import free_port

PORTICO = (sys.executable, str(ROOT / "manage.py"))


class Process(ABC):
    """A running process; `log()` is its output."""

    def __init__(self, name: str, log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        self.url = ""

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @property
    @abstractmethod
    def is_running(self) -> bool: ...

    @abstractmethod
    def wait(self, *, seconds: float = 60) -> int:
        """Waits for the end; returns the exit code, or -9 if it was killed."""

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def stop(self, *, seconds: float = 60) -> int:
        """Sends SIGTERM and waits; returns the exit code."""
        self.terminate()
        return self.wait(seconds=seconds)

    def terminate(self) -> None:
        if self.is_running:
            with suppress(ProcessLookupError):  # It may have ended just now.
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL to the process and its children."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def wait_for(self, what: Callable[[], Any], *, seconds: float = 60) -> None:  # Any: true or not.
        """Waits until this is true. If the process ends meanwhile, the test fails with its output."""
        deadline = time.monotonic() + seconds
        while not what():
            assert self.is_running, f"The {self.name} ended ({self.wait()}):\n{self.log()}"
            assert time.monotonic() < deadline, f"The {self.name} is not there after {seconds} s:\n{self.log()}"
            time.sleep(0.05)

    def wait_for_line(self, text: str, *, seconds: float = 60) -> None:
        self.wait_for(lambda: text in self.log(), seconds=seconds)


class Started(Process):
    """A process that was started as a program."""

    def __init__(self, name: str, command: tuple[str, ...], environment: dict[str, str], log_file: Path) -> None:
        super().__init__(name, log_file)
        with self.log_file.open("ab") as output:
            self._popen = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def wait(self, *, seconds: float = 60) -> int:
        return self._popen.wait(seconds)


class Forked(Process):
    """A process that was forked (forking.py), and so is no child of the test process."""

    def __init__(self, name: str, pid: int, log_file: Path) -> None:
        super().__init__(name, log_file)
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

    def wait(self, *, seconds: float = 60) -> int:
        deadline = time.monotonic() + seconds
        while self.is_running:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.name, seconds)
            time.sleep(0.01)
        self._has_ended = True
        exit_code = forking.exit_code_file(self.log_file)
        return int(exit_code.read_text()) if exit_code.exists() else -signal.SIGKILL


class Processes:
    """Starts processes and ends all of them after the test. Without a fork server each is a program of its own."""

    def __init__(self, folder: Path, database_url: str, fork_server: ForkServer | None = None) -> None:
        self.folder = folder
        self.database_url = database_url
        self._fork_server = fork_server
        self._numbers = count()
        self._started: list[Process] = []

    def environment(self, **changes: str) -> dict[str, str]:
        return environment_of(self.database_url) | changes

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Runs a command and waits for it: `processes.run("routes", "--json")`."""
        environment = self.environment(**changes)
        if not (self._fork_server and self._fork_server.can_fork(environment)):
            return subprocess.run(
                (*PORTICO, *arguments), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        output, errors = self._log_file("output"), self._log_file("errors")
        process = self._forked(output, self._fork_server.fork(arguments, environment, output, errors))
        exit_code = process.wait(seconds=120)
        return subprocess.CompletedProcess(arguments, exit_code, process.log(), errors.read_text())

    def start(self, name: str, *arguments: str, **changes: str) -> Process:
        """Starts a command: forked, if its environment allows that."""
        environment = self.environment(**changes)
        output = self._log_file(name)
        if self._fork_server and self._fork_server.can_fork(environment):
            return self._forked(output, self._fork_server.fork(arguments, environment, output, output))
        process = Started(name, (*PORTICO, *arguments), environment, output)
        self._started.append(process)
        return process

    def _log_file(self, name: str) -> Path:
        """Returns an empty file: it may be read before the process has started."""
        path = self.folder / f"{name}-{next(self._numbers)}.log"
        path.touch()
        return path

    def _forked(self, output: Path, pid: int) -> Process:
        process = Forked(output.stem, pid, output)
        self._started.append(process)
        return process

    def web(self, *arguments: str, **changes: str) -> Process:
        """Starts a web server and waits until it is ready; its `url` is also its PUBLIC_BASE_URL."""
        port = free_port()
        url = f"http://localhost:{port}"
        changes = {"PUBLIC_BASE_URL": url, "PORT": str(port)} | changes
        process = self.start("web", "web", "--host", "127.0.0.1", *arguments, **changes)
        process.url = url
        process.wait_for(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        return process

    def worker(self, *arguments: str, **changes: str) -> Process:
        """Starts a worker; pass EMAIL_URL=smtp.url, and PUBLIC_BASE_URL=web.url if its mails contain links."""
        return self.start("worker", "worker", *arguments, **changes)

    def end(self) -> None:
        """Kills all that still run."""
        for process in self._started:
            process.kill()


def environment_of(database_url: str) -> dict[str, str]:
    """Returns the environment of processes of tests."""
    ours = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
    inherited = {name: value for name, value in os.environ.items() if name in ours}
    return inherited | TEST_ENVIRONMENT | {"DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}


def url_of_test_database() -> str:
    """Returns the DATABASE_URL of the database that this test is connected to."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return f"postgres://{settings['USER']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@pytest.fixture(scope="session")
def fork_server(django_db_setup: None) -> Iterator[ForkServer]:
    server = ForkServer(environment_of(url_of_test_database()))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, fork_server: ForkServer) -> Iterator[Processes]:
    """Provides real processes, which see the rows that the test commits."""
    parts = Processes(tmp_path, url_of_test_database(), fork_server)
    try:
        yield parts
    finally:
        parts.end()


@pytest.fixture(scope="session")
def standing_processes(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes that stay for the whole run."""
    parts = Processes(tmp_path_factory.mktemp("standing"), url_of_test_database(), fork_server)
    try:
        yield parts
    finally:
        parts.end()


@pytest.fixture(scope="session")
def site(standing_processes: Processes) -> Process:
    """One real web server for all browser tests of this run, on the test database. Ask for `transactional_db` too."""
    return standing_processes.web()


@pytest.fixture(scope="session")
def strict_site(standing_processes: Processes) -> Process:
    """Another, as in production: no one gets into the office by a password alone."""
    return standing_processes.web(PORTICO_DEMO="0")
