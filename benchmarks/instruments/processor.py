"""Measures the CPU time of processes and their children, from /proc; 0 on systems other than Linux."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class _Process:
    parent: int
    seconds: float


def seconds_of(pids: Mapping[str, int]) -> dict[str, float]:
    """Returns the CPU seconds used so far by these processes and their children."""
    processes = _all()
    return {name: seconds for name, pid in pids.items() if (seconds := _with_children(pid, processes))}


def exact_seconds_of_children(pid: int) -> float:
    """Returns the CPU seconds used so far by the children of a process, each with one thread, to the nanosecond."""
    numbers = (number for number, process in _all().items() if process.parent == pid)
    return sum(_exact_seconds(number) for number in numbers)


def parent_of(pid: int) -> int:
    """Returns 0 if it is unknown."""
    found = _read(pid)
    return found.parent if found else 0


def _with_children(pid: int, processes: Mapping[int, _Process]) -> float:
    children = defaultdict(list)
    for number, process in processes.items():
        children[process.parent].append(number)
    whole, left = 0.0, [pid]
    while left:
        number = left.pop()
        if number in processes:
            whole += processes[number].seconds
            left += children[number]
    return whole


def _all() -> dict[int, _Process]:
    if not PROC.is_dir():
        return {}
    found = {int(folder.name): _read(int(folder.name)) for folder in PROC.iterdir() if folder.name.isdigit()}
    return {number: process for number, process in found.items() if process}


def _exact_seconds(pid: int) -> float:
    """See the kernel's documentation of sched-stats: the first field is the time on the processor."""
    try:
        return int((PROC / str(pid) / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _read(pid: int) -> _Process | None:
    """See proc(5), /proc/pid/stat: what follows the name in brackets, counted from the third field.

    The time is that of the process and of its children that have ended.
    """
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return _Process(int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"))
