"""Measures what it costs to start a web server and the demo, and how much memory a web server in use has."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pages
from benchmarks.instruments import processor
from benchmarks.instruments.server_time import Page
from benchmarks.report import STARTS, Row
from portico.domain.practices.models import Practice
from portico.operating.demo import demo_command
from tests.support.processes.commands import Processes, url_of_test_database
from tests.support.processes.forking import ROOT
from tests.support.servers.ports import free_port

REQUESTS = 20
MOST_SECONDS = 300.0
PROCESSES = (2, 4)


def measure() -> Iterator[Row]:
    """Measures the processor's seconds until the first page is answered."""
    practice = Practice.objects.create(slug="started", name="A practice")
    with tempfile.TemporaryDirectory(prefix="portico-bench-start-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            web = processes.web()
            _get(f"{web.url}{practice.portal_path}")
            used = processor.seconds_of({"web": web.pid})["web"]
        finally:
            processes.end()
        yield Row(STARTS, "cold start of `portico web`, first page", f"{used:.1f} s", "2.5 s")
        for name, limit in (("first start of the demo", "10 s"), ("second start of the demo", "4 s")):
            yield Row(STARTS, name, f"{_demo_seconds(Path(folder)):.1f} s", limit)


def measure_memory() -> Iterator[Row]:
    """Measures web servers of one, two and four processes that have answered each page of the benchmark many times."""
    practice = Practice.objects.create(slug="remembered", name="A practice", time_zone="America/New_York")
    measured = pages.portal_and_office(practice)
    (alone,) = _in_use(measured, processes=1)
    figure = f"{alone.resident:.0f} MiB resident, {alone.proportional:.0f} proportional"
    yield Row(STARTS, "memory of a web process in use", figure, "68 MiB resident")
    for count in PROCESSES:
        parent, *children = _in_use(measured, processes=count)
        largest = max(children, key=lambda each: each.proportional)
        together = parent.proportional + sum(each.proportional for each in children)
        figure = (
            f"{largest.resident:.0f} MiB resident, {largest.proportional:.0f} proportional, {largest.own:.0f} its own"
        )
        yield Row(STARTS, f"the largest of {count} processes", figure)
        yield Row(STARTS, f"{count} processes and their parent", f"{together:.0f} MiB proportional")


@dataclass(frozen=True)
class Memory:
    """The memory of a process in MiB."""

    resident: float
    proportional: float
    own: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        mebibytes = {name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines)}
        return cls(mebibytes["Rss"], mebibytes["Pss"], mebibytes["Private_Clean"] + mebibytes["Private_Dirty"])


def _in_use(measured: Sequence[Page], *, processes: int) -> list[Memory]:
    """Returns the memory of the web server's first process and of its children."""
    with tempfile.TemporaryDirectory(prefix="portico-bench-memory-") as folder:
        started = Processes(Path(folder), url_of_test_database())
        try:
            web = started.web("--workers", str(processes))
            for page in [*measured] * REQUESTS * processes:
                environ = page.environ()
                query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
                _get(f"{web.url}{environ['PATH_INFO']}{query}", cookies=environ["HTTP_COOKIE"])
            children = Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()
            return [Memory.of(pid) for pid in (web.pid, *map(int, children))]
        finally:
            started.end()


def _get(url: str, *, cookies: str = "") -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookies}), timeout=60) as answer:
        answer.read()


def _demo_seconds(folder: Path) -> float:
    """Starts the demo in this folder and ends it; returns the processor's seconds until it was ready."""
    command = (sys.executable, "-m", "portico", "demo", "--port", str(_free_ports()))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    log = folder / "demo.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT) as demo,
    ):
        try:
            ends_at = time.monotonic() + MOST_SECONDS
            while "is ready." not in log.read_text():
                if demo.poll() is not None or time.monotonic() > ends_at:
                    raise SystemExit(f"The demo did not start:\n{log.read_text()}")
                time.sleep(0.05)
            return processor.seconds_of({"demo": demo.pid})["demo"]
        finally:
            demo.terminate()


def _free_ports() -> int:
    """Returns a port such that it and the three after it, which the demo takes too, are free."""
    candidates = (free_port() for _ in range(1_000))
    return next(port for port in candidates if port < 65_000 and not demo_command.describe_taken_port(port))
