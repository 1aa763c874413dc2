"""Portico behind PgBouncer in transaction mode, as Debian installs it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client as Browser

from scripts.system_packages import PGBOUNCER
from tests import cast
from tests.real.test_web_processes import Visitor
from tests.support.database import postgresql
from tests.support.processes.commands import Processes, url_of_test_database
from tests.support.servers.ports import free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]

# Fewer connections to the server than Portico has threads: each transaction gets one of them.
SETTINGS = """
[databases]
* = host={HOST} port={PORT} user={USER}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@pytest.fixture
def pooler(processes: Processes, tmp_path: Path) -> Iterator[str]:
    """Starts PgBouncer in front of the test's database; its address, for DATABASE_URL."""
    listen_port, settings = free_port(), tmp_path / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(**connection.settings_dict, listen_port=listen_port))
    owner = postgresql.server_owner()
    command = [PGBOUNCER, *(["--user", owner.pw_name] if owner else []), str(settings)]
    with (tmp_path / "pgbouncer.log").open("ab") as log:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        before = f":{connection.settings_dict['PORT']}/"
        yield url_of_test_database().replace(before, f":{listen_port}/")
    finally:
        running.terminate()
        running.wait(10)


def test_pages_and_worker_run_behind_a_pooler(processes: Processes, pooler: str) -> None:
    ana = cast.ana(cast.alder())
    portal = cast.in_the_portal(Browser(), ana)
    bill = cast.bill(ana)
    processes.database_url = pooler
    web, worker = processes.web(DATABASE_POOLED="1"), processes.worker(DATABASE_POOLED="1")
    signed_in, visitor = Visitor(web), Visitor(web)
    signed_in.opener.addheaders = [("Cookie", portal.cookies.output(header="", attrs=[], sep=";"))]
    at = ana.practice.portal_path
    for _ in range(6):
        for page in ("home/", "billing/", f"billing/{bill.ref}/", "profile/"):
            assert signed_in.get(f"{at}{page}")[0] == 200
    assert visitor.post(at, email="ana@mail.example")[0] == 200
    worker.wait_for_line("sign_in_request.processed")
    assert "Traceback" not in web.log() + worker.log()
