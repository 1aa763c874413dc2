"""Starts several processes, writes their output to a file, and ends all of them together."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SECONDS_TO_STOP = 15.0
POLL_SECONDS = 0.2
# Of a process that ended by itself.
LINES_SHOWN = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """The running processes. One signal ends all of them; if one ends by itself, the rest are ended too.

    `log` is replaced. `summary` is printed again at each SIGQUIT, which a terminal sends for Ctrl-\\.
    """

    def __init__(self, environment: Mapping[str, str], log: Path, summary: str = "") -> None:
        self.environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self.log = log.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
        self.summary = summary
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.last_lines: dict[str, deque[str]] = {}
        self.relays: list[threading.Thread] = []
        self.stopping = threading.Event()
        self.summary_requested = threading.Event()
        self.is_stopped = False

    def listen_to_signals(self) -> None:
        for name in SIGNALS:
            signal.signal(name, lambda *_: self.stopping.set())
        signal.signal(signal.SIGQUIT, lambda *_: self.summary_requested.set())

    def start(self, name: str, command: Sequence[str]) -> None:
        part = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,  # Ctrl-C reaches only this process, which ends the others in order.
            env=self.environment,
        )
        self.running[name] = part
        self.last_lines[name] = deque(maxlen=LINES_SHOWN)
        relay = threading.Thread(target=self._relay, args=(name, part), daemon=True)
        relay.start()
        self.relays.append(relay)

    def ended(self) -> tuple[str, int] | None:
        """Returns the name and exit code of a process that has ended, or None."""
        for name, part in self.running.items():
            code = part.poll()
            if code is not None:
                return name, code
        return None

    def watch(self) -> int:
        """Waits for a signal (0) or for a process to end (1), then ends the rest. Returns that exit code."""
        while not self.stopping.wait(POLL_SECONDS):
            ended = self.ended()
            if ended is not None:
                name, code = ended
                self.stop()
                print("", *self.last_lines[name], sep="\n")
                print(f"The {name} exited unexpectedly (code {code}), so the demo was stopped. See the reason above.")
                return 1
            if self.summary_requested.is_set():
                self.summary_requested.clear()
                print(self.summary, flush=True)
        self.stop()
        return 0

    def stop(self) -> None:
        """Ends every process, the newest first: SIGTERM, then SIGKILL after SECONDS_TO_STOP."""
        if self.is_stopped:
            return
        self.is_stopped = True
        parts = list(self.running.values())[::-1]
        for part in parts:
            _signal(part, signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_STOP
        for part in parts:
            try:
                part.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(part, signal.SIGKILL)
                part.wait()
        for relay in self.relays:
            relay.join(2)
        self.log.close()

    def _relay(self, name: str, part: subprocess.Popen[str]) -> None:
        if part.stdout is None:
            return
        with part.stdout as lines:
            for line in lines:
                self.last_lines[name].append(line.rstrip("\n"))
                with suppress(ValueError):  # Closed: a child of the process lives on and still writes.
                    self.log.write(f"{name:>9} | {line}")


def _signal(part: subprocess.Popen[str], number: signal.Signals) -> None:
    # The whole group, even if the process has ended: its children may still run.
    with suppress(ProcessLookupError):
        os.killpg(part.pid, number)
