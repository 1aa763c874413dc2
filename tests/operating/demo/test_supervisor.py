"""Supervised processes end together, whichever ends first."""

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from portico.operating.demo.supervisor import Supervisor

pytestmark = pytest.mark.real_processes

SLEEP = "import time; print('ready'); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def parts() -> Iterator[Supervisor]:
    running = Supervisor(os.environ)
    yield running
    running.stop()


def wait_for(capsys: pytest.CaptureFixture[str], *texts: str) -> str:
    seen, deadline = "", time.monotonic() + 10
    while not all(text in seen for text in texts):
        assert time.monotonic() < deadline, seen
        seen += capsys.readouterr().out
        time.sleep(0.02)
    return seen


def test_output_is_prefixed_with_the_process_name(parts: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    parts.start("clock", python("print('tick'); " + SLEEP))
    wait_for(capsys, "    clock | tick\n", "    clock | ready\n")


def test_a_signal_ends_all_processes_cleanly(parts: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    parts.start("one", python(SLEEP))
    parts.start("two", python(SLEEP))
    wait_for(capsys, "one | ready", "two | ready")
    threading.Timer(0.3, parts.stopping.set).start()
    assert parts.watch() == 0
    assert all(part.poll() is not None for part in parts.running.values())


def test_a_process_that_ends_stops_the_rest_with_its_reason(
    parts: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    parts.start("one", python(SLEEP))
    wait_for(capsys, "one | ready")
    parts.start("two", python("print('The cellar is full.'); raise SystemExit(3)"))
    assert parts.watch() == 1
    output = capsys.readouterr().out
    assert "      two | The cellar is full.\n" in output
    assert "The two exited unexpectedly (code 3), so the demo was stopped. See the reason above." in output
    assert all(part.poll() is not None for part in parts.running.values())


def test_a_process_that_ignores_sigterm_is_killed(
    parts: Supervisor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.operating.demo.supervisor.SECONDS_TO_STOP", 0.5)
    parts.start("deaf", python(DEAF))
    wait_for(capsys, "deaf | ready")
    parts.stop()
    assert parts.running["deaf"].poll() == -9


def test_child_processes_end_too(parts: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    child = f"import subprocess, sys; print('child', subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid); "
    parts.start("parent", python(child + SLEEP))
    output = wait_for(capsys, "child ")
    pid = int(output.partition("child ")[2].split()[0])
    parts.stop()
    deadline = time.monotonic() + 5
    while is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False
