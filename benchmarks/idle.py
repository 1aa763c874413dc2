"""Measures what a worker without work costs, with one practice and with many."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.instruments import processor
from benchmarks.report import Row
from portico.domain.practices.models import Practice
from tests.support.processes.commands import Processes, url_of_test_database

PRACTICES = (1, 300)
# After the first round of every scheduled task.
SECONDS_BEFORE, SECONDS = 15.0, 45.0


def measure() -> Iterator[Row]:
    """Measures the processor time of a minute."""
    for number in PRACTICES:
        missing = range(Practice.objects.count(), number)
        Practice.objects.bulk_create(Practice(slug=f"idle-{each}", name=f"Practice {each}") for each in missing)
        figure = f"{_cpu_of_a_minute():.2f} s of processor a minute"
        yield Row("Idle worker", f"{number} practice{'s' if number > 1 else ''}", figure, "0.6 s")


def _cpu_of_a_minute() -> float:
    with tempfile.TemporaryDirectory(prefix="portico-bench-idle-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            worker = processes.worker()
            worker.wait_for_line("worker.started", seconds=60)
            time.sleep(SECONDS_BEFORE)
            before = processor.seconds_of({"worker": worker.pid})["worker"]
            time.sleep(SECONDS)
            return (processor.seconds_of({"worker": worker.pid})["worker"] - before) * 60 / SECONDS
        finally:
            processes.end()
