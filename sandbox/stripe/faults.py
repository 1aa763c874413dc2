"""Scripted faults: which of the next calls fail, and how."""

import re
import threading
from dataclasses import dataclass, replace
from enum import StrEnum


class FaultKind(StrEnum):
    """`HANG`: no answer, nothing done. `SLOW`: done and answered, late. `LOST`: done, the answer never leaves.
    `FAIL_AFTER`: done, answered with 500. `HALF`: done, half of the answer leaves. `NONSENSE`: done, no JSON.
    `REFUSE`: nothing done, answered with 400 and the fault's code and param, and again for the same idempotency key.
    `DENY`: nothing done, answered with 403 as for a key without the permission.
    The numbers are answered at once, and nothing is done.
    """

    HANG = "hang"
    SLOW = "slow"
    LOST = "lost"
    HALF = "half"
    NONSENSE = "nonsense"
    FAIL_AFTER = "fail_after"
    REFUSE = "refuse"
    DENY = "deny"
    TOO_MANY = "429"
    BROKEN = "500"
    AWAY = "503"


@dataclass(frozen=True)
class Fault:
    """A fault for calls of that method whose path begins with a match of the pattern."""

    kind: FaultKind
    path: str = "/v1/"
    method: str = ""
    times: int = 1
    seconds: float = 0.0
    code: str = ""
    param: str = ""

    def is_about(self, method: str, path: str) -> bool:
        return self.method in {"", method} and re.match(self.path, path) is not None


class Faults:
    """The scripted faults. A call consumes the first fault that matches it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    @property
    def left(self) -> int:
        """Returns the number of faults that are left."""
        with self._lock:
            return sum(fault.times for fault in self._waiting)

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.is_about(method, path):
                    if fault.times > 1:
                        self._waiting[place] = replace(fault, times=fault.times - 1)
                    else:
                        del self._waiting[place]
                    return fault
        return None
