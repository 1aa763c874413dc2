"""Starts several programs, shows what they say, and ends all of them together."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

PATIENCE_SECONDS = 15.0
LOOK_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """The running parts. One signal ends all of them; a part that ends by itself ends the rest."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.relays: list[threading.Thread] = []
        self.stopping = threading.Event()
        self.is_stopped = False

    def listen_to_signals(self) -> None:
        for name in SIGNALS:
            signal.signal(name, lambda *_: self.stopping.set())

    def start(self, name: str, command: Sequence[str]) -> None:
        part = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,  # Ctrl-C reaches only us; we end the parts in their order.
            env=self.environment,
        )
        self.running[name] = part
        relay = threading.Thread(target=self._relay, args=(name, part), daemon=True)
        relay.start()
        self.relays.append(relay)

    def ended(self) -> tuple[str, int] | None:
        """A part that is no longer there, and its exit code."""
        for name, part in self.running.items():
            code = part.poll()
            if code is not None:
                return name, code
        return None

    def watch(self) -> int:
        """Until a signal (0) or until a part ends by itself (1); then ends what is left. Gives the exit code."""
        while not self.stopping.wait(LOOK_SECONDS):
            ended = self.ended()
            if ended is not None:
                name, code = ended
                self.stop()
                print(f"\nThe {name} ended by itself (exit {code}), so everything was stopped. Its reason is above.")
                return 1
        self.stop()
        return 0

    def stop(self) -> None:
        """Asks every part to end, the newest first; ends by force what is there after a while."""
        if self.is_stopped:
            return
        self.is_stopped = True
        parts = list(self.running.values())[::-1]
        for part in parts:
            _signal(part, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for part in parts:
            try:
                part.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(part, signal.SIGKILL)
                part.wait()
        for relay in self.relays:
            relay.join(2)

    def _relay(self, name: str, part: subprocess.Popen[str]) -> None:
        if part.stdout is None:
            return
        with part.stdout as lines:
            for line in lines:
                print(f"{name:>9} | {line}", end="", flush=True)


def _signal(part: subprocess.Popen[str], number: signal.Signals) -> None:
    # The group, also when the part itself is gone: what it had started may be there still.
    with suppress(ProcessLookupError):
        os.killpg(part.pid, number)
