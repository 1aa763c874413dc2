"""Measures what a worker without work costs, with one practice and with many."""

import tempfile
import time
from pathlib import Path

from benchmarks import processor
from portico.domain.practices.models import Practice
from tests.support.processes import Processes, url_of_test_database

PRACTICES = (1, 300)
# After the first round of every scheduled task.
SECONDS_BEFORE, SECONDS = 20.0, 60.0


def measure() -> None:
    """Prints the CPU seconds of a minute."""
    print(f"\n{'Idle worker':44} {'CPU a minute':>12}")
    for number in PRACTICES:
        missing = range(Practice.objects.count(), number)
        Practice.objects.bulk_create(Practice(slug=f"idle-{each}", name=f"Practice {each}") for each in missing)
        print(f"{f'{number} practices':44} {_cpu_of_a_minute():10.2f} s", flush=True)


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
