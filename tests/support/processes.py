"""Starts `portico web`, `portico worker` and other commands on the test's own database."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.environment import TEST_ENVIRONMENT
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PORTICO = (sys.executable, str(ROOT / "manage.py"))


class Process:
    """A running process; `log()` is its output."""

    def __init__(self, name: str, command: tuple[str, ...], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self.url = ""
        with self.log_file.open("ab") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def stop(self, *, seconds: float = 60) -> int:
        """Sends SIGTERM and waits; returns the exit code."""
        if self.is_running:
            self.popen.terminate()
        return self.wait(seconds=seconds)

    def kill(self) -> None:
        """Sends SIGKILL to the process and its children."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(10)

    def wait(self, *, seconds: float = 60) -> int:
        return self.popen.wait(seconds)

    def wait_for(self, what: Callable[[], Any], *, seconds: float = 60) -> None:  # Any: true or not.
        """Waits until this is true. If the process ends meanwhile, the test fails with its output."""
        deadline = time.monotonic() + seconds
        while not what():
            assert self.is_running, f"The {self.name} ended ({self.popen.poll()}):\n{self.log()}"
            assert time.monotonic() < deadline, f"The {self.name} is not there after {seconds} s:\n{self.log()}"
            time.sleep(0.05)

    def wait_for_line(self, text: str, *, seconds: float = 60) -> None:
        self.wait_for(lambda: text in self.log(), seconds=seconds)


class Processes:
    """Starts processes and ends all of them after the test."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.started: list[Process] = []

    def environment(self, **changes: str) -> dict[str, str]:
        ours = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
        return (
            {name: value for name, value in os.environ.items() if name in ours}
            | TEST_ENVIRONMENT
            | {"DATABASE_URL": self.database_url, "PYTHONUNBUFFERED": "1"}
            | changes
        )

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Runs a command and waits for it: `processes.run("routes", "--json")`."""
        return subprocess.run(
            (*PORTICO, *arguments), cwd=ROOT, env=self.environment(**changes), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def start(self, name: str, *arguments: str, **changes: str) -> Process:
        number = len(self.started) + 1
        process = Process(f"{name}-{number}", (*PORTICO, *arguments), self.environment(**changes), self.folder)
        self.started.append(process)
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
        for process in self.started:
            if process.is_running:
                process.popen.terminate()
        for process in self.started:
            try:
                process.wait(seconds=15)
            except subprocess.TimeoutExpired:
                process.kill()


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


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path) -> Iterator[Processes]:
    """Provides real processes, which see the rows that the test commits."""
    parts = Processes(tmp_path, url_of_test_database())
    try:
        yield parts
    finally:
        parts.end()


@pytest.fixture(scope="session")
def standing_processes(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes that stay for the whole run."""
    parts = Processes(tmp_path_factory.mktemp("standing"), url_of_test_database())
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
