"""Workers for tests of what workers do: forked, since each would otherwise import for two seconds of processor time.

Tests of how a worker starts, logs and ends take `processes`.
"""

from collections.abc import Iterator

import pytest

from tests.support.forking import Forked, Nursery
from tests.support.processes import Processes


class Workers:
    """Starts workers on the test's own database, and kills them after the test."""

    def __init__(self, parent: Nursery, processes: Processes) -> None:
        self._parent = parent
        self._folder = processes.folder
        self._started: list[Forked] = []

    def start(self, **changes: str) -> Forked:
        """Starts a worker; pass EMAIL_URL=smtp.url, and PUBLIC_BASE_URL=web.url if its mails contain links."""
        worker = self._parent.worker(self._folder, **changes)
        self._started.append(worker)
        return worker

    def end(self) -> None:
        for worker in self._started:
            worker.kill()


@pytest.fixture(scope="session")
def parent_of_workers(standing_processes: Processes) -> Iterator[Nursery]:
    with Nursery(standing_processes) as parent:
        yield parent


@pytest.fixture
def workers(processes: Processes, parent_of_workers: Nursery) -> Iterator[Workers]:
    started = Workers(parent_of_workers, processes)
    try:
        yield started
    finally:
        started.end()
