"""A PostgreSQL outage under a running web server and worker, and the recovery."""

import time
from collections.abc import Iterator

import pytest

from tests.real.test_web_processes import Visitor
from tests.support.database import migrated_copies, postgresql
from tests.support.database.postgresql import Cluster
from tests.support.processes.commands import Processes

pytestmark = [pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]

DOOR = "/portal/alder-street/"
FOUNDING = (
    *("create-practice", "--slug", "alder-street", "--name", "Alder Street Therapy", "--currency", "USD"),
    *("--time-zone", "America/New_York", "--owner-email", "naomi@alder.example", "--owner-name", "Naomi Elm"),
)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test's own, since it is stopped."""
    cluster = postgresql.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def test_pages_and_worker_recover_from_an_outage(processes: Processes, cluster: Cluster) -> None:
    processes.database_url = f"{cluster.url.rpartition('/')[0]}/postgres"
    migrated_copies.fill(processes.database_url)
    web, worker = processes.web(), processes.worker()
    assert processes.run(*FOUNDING, PUBLIC_BASE_URL=web.url).returncode == 0
    visitor = Visitor(web)
    assert visitor.post(DOOR, email="ana@mail.example")[0] == 200
    worker.wait_for_line("sign_in_request.processed")

    cluster.halt()
    began = time.monotonic()
    status, page = visitor.get(DOOR)
    assert (status, "Back in a moment" in page) == (503, True)
    assert time.monotonic() - began < 15
    assert [visitor.get(path)[0] for path in ("/healthz", "/readyz")] == [200, 503]
    assert "Traceback" not in page

    cluster.serve()
    web.wait_for(lambda: visitor.get(DOOR)[0] == 200, seconds=20)
    assert visitor.post(DOOR, email="bruno@mail.example")[0] == 200
    worker.wait_for(lambda: worker.log().count("sign_in_request.processed") == 2, seconds=30)
    assert (web.is_running, worker.is_running) == (True, True)
