"""Supervised processes end together, whichever ends first."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portico.operating.demo.supervisor import SIGNALS, Supervisor

pytestmark = pytest.mark.real_processes

SLEEP = "import time; print('ready'); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "portico.log"


@pytest.fixture
def parts(log: Path) -> Iterator[Supervisor]:
    running = Supervisor(os.environ, log, "Four people can sign in.")
    yield running
    running.stop()


def wait_for(log: Path, *texts: str) -> str:
    deadline = time.monotonic() + 30
    while not all(text in log.read_text() for text in texts):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return log.read_text()


def test_output_goes_to_the_log_with_the_process_name(
    parts: Supervisor, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts.start("clock", python("print('tick'); " + SLEEP))
    wait_for(log, "    clock | tick\n", "    clock | ready\n")
    assert capsys.readouterr().out == ""


def test_sigquit_prints_the_summary_again(parts: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGQUIT)}
    parts.listen_to_signals()
    try:
        threading.Timer(0.1, signal.raise_signal, [signal.SIGQUIT]).start()
        threading.Timer(0.8, parts.stopping.set).start()
        assert parts.watch() == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert capsys.readouterr().out == "Four people can sign in.\n"


def test_a_signal_ends_all_processes_cleanly(parts: Supervisor, log: Path) -> None:
    parts.start("one", python(SLEEP))
    parts.start("two", python(SLEEP))
    wait_for(log, "one | ready", "two | ready")
    threading.Timer(0.3, parts.stopping.set).start()
    assert parts.watch() == 0
    assert all(part.poll() is not None for part in parts.running.values())


def test_a_process_that_ends_stops_the_rest_with_its_reason(
    parts: Supervisor, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts.start("one", python(SLEEP))
    wait_for(log, "one | ready")
    parts.start("two", python("print('The cellar is full.'); raise SystemExit(3)"))
    assert parts.watch() == 1
    output = capsys.readouterr().out
    assert "\nThe cellar is full.\n" in output
    assert "The two exited unexpectedly (code 3), so the demo was stopped. See the reason above." in output
    assert all(part.poll() is not None for part in parts.running.values())


def test_a_process_that_ignores_sigterm_is_killed(
    parts: Supervisor, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.operating.demo.supervisor.SECONDS_TO_STOP", 0.5)
    parts.start("deaf", python(DEAF))
    wait_for(log, "deaf | ready")
    parts.stop()
    assert parts.running["deaf"].poll() == -9


def test_child_processes_end_too(parts: Supervisor, log: Path) -> None:
    child = f"import subprocess, sys; print('child', subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid); "
    parts.start("parent", python(child + SLEEP))
    output = wait_for(log, "child ")
    pid = int(output.partition("child ")[2].split()[0])
    parts.stop()
    deadline = time.monotonic() + 30
    while is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False
