"""Measures what it costs to start a web server and the demo, and how much memory a web server in use has."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import pages
from benchmarks.instruments import processor
from benchmarks.report import Row
from portico.domain.practices.models import Practice
from portico.operating.demo import demo_command
from tests.support.processes.commands import Process, Processes, url_of_test_database
from tests.support.processes.forking import ROOT
from tests.support.servers.ports import free_port

STARTS = "Starts and memory"
REQUESTS = 20
MOST_SECONDS = 300.0
MEBIBYTE = 1024


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
    """Measures a web server that has answered each page of the benchmark many times."""
    practice = Practice.objects.create(slug="remembered", name="A practice", time_zone="America/New_York")
    measured = pages.portal_and_office(practice)
    with tempfile.TemporaryDirectory(prefix="portico-bench-memory-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            web = processes.web()
            for page in measured * REQUESTS:
                environ = page.environ()
                query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
                _get(f"{web.url}{environ['PATH_INFO']}{query}", cookies=environ["HTTP_COOKIE"])
            mebibytes = _resident_kibibytes(web) / MEBIBYTE
        finally:
            processes.end()
    yield Row(STARTS, "memory of a web process in use", f"{mebibytes:.0f} MiB", "68 MiB")


def _get(url: str, *, cookies: str = "") -> None:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookies}), timeout=60) as answer:
        answer.read()


def _resident_kibibytes(web: Process) -> int:
    status = Path(f"/proc/{web.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


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
