"""Backups of a running installation, restored elsewhere with all credentials revoked."""

import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from django.test import Client as Browser

from portico.domain.access.models import SignInMethod
from portico.domain.access.sign_in import portal_sessions
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents
from tests.support.database import postgresql
from tests.support.processes.commands import Process, Processes, url_of_test_database
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]


class Held(NamedTuple):
    """Credentials that exist when the backup is made."""

    link: str
    session_key: str
    staff_cookie: str
    waiting: str


def people_at_work(processes: Processes, practice: Practice) -> Held:
    """Ana has a link, Carol has paid, signed and is signed in, Fay is in the office, Bruno's invitation is waiting."""
    link = cast.token_of(cast.invited(cast.ana(practice)))
    OutgoingEmail.objects.update(state="handed_over", settled_at=practice.created_at)
    access = cast.with_access(cast.carol(practice))
    assert access.account is not None
    begun = portal_sessions.start(access.account, method=SignInMethod.LINK, proof_epoch=1, browser="")
    cast.cash(access.client, 5_000, invoice=cast.bill(access.client))
    (request,) = shared_documents.shared(access, shared_documents.consent(practice))
    shared_documents.signed(request, access)
    office = cast.signed_in(Browser(), cast.fay(practice))
    return Held(link, begun.key, office.cookies["portico-staff"].value, cast.invited(cast.bruno(practice)).email.ref)


class Visitor:
    """Returns a browser with the given cookies."""

    def __init__(self, web: Process, **cookies: str) -> None:
        self.url = web.url
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        if cookies:
            self.opener.addheaders = [("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))]

    def get(self, path: str) -> tuple[int, str, str]:
        """Returns the status, the final URL and the page."""
        try:
            with self.opener.open(self.url + path, timeout=20) as answer:
                return answer.status, urlsplit(answer.url).path, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, urlsplit(refused.url).path, refused.read().decode()


def assert_credentials_are_ended(web: Process, held: Held) -> None:
    status, _, page = Visitor(web).get(f"/portal/alder-street/link/{held.link}/")
    assert (status, "expired" in page) == (410, True)
    _, where, page = Visitor(web, **{"portico-client": held.session_key}).get("/portal/alder-street/home/")
    assert "Carol" not in page
    _, where, _ = Visitor(web, **{"portico-staff": held.staff_cookie}).get("/office/clients/")
    assert where == "/office/sign-in/"


def assert_credentials_work(web: Process, held: Held) -> None:
    """Asserts that the credentials worked before, so that the test above shows something."""
    assert Visitor(web).get(f"/portal/alder-street/link/{held.link}/")[0] == 200
    assert "Carol" in Visitor(web, **{"portico-client": held.session_key}).get("/portal/alder-street/home/")[2]
    assert Visitor(web, **{"portico-staff": held.staff_cookie}).get("/office/clients/")[1] == "/office/clients/"


def assert_verify_commands_pass(processes: Processes, url: str) -> None:
    for command in ("verify-trail", "verify-states", "verify-ledger", "verify-documents"):
        answer = processes.run(command, DATABASE_URL=url)
        assert answer.returncode == 0, answer.stdout + answer.stderr


@contextmanager
def working(work: Callable[[int], object]) -> Iterator[list[int]]:
    """Repeats the work until the block ends; the list grows."""
    stop, done = threading.Event(), list[int]()

    def run() -> None:
        try:
            while not stop.is_set():
                work(len(done))
                done.append(len(done))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join(30)


# SQLite


@pytest.mark.sqlite
def test_a_backup_under_load_is_restored_elsewhere(processes: Processes, smtp: SmtpServer, tmp_path: Path) -> None:
    practice = cast.alder()
    web = processes.web()
    held = people_at_work(processes, practice)
    assert_credentials_work(web, held)
    smtp.stop()  # Mail waits while the backup is made.
    worker = processes.worker(EMAIL_URL=smtp.url)
    worker.wait_for_line("worker.started")
    backup, elsewhere = tmp_path / "backup.sqlite3", f"sqlite:///{tmp_path}/elsewhere.sqlite3"

    def write(number: int) -> None:
        cast.invited(cast.client(practice, f"Client {number}", address=f"c{number}@mail.example"))

    with working(write) as done:
        worker.wait_for(lambda: len(done) > 5)
        made = processes.run("backup", str(backup))
        seen = len(done)
        worker.wait_for(lambda: len(done) > seen + 5)
    assert made.returncode == 0, made.stderr
    assert "Backed up to" in made.stdout
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup.sqlite3"]
    assert (web.stop(), worker.stop()) == (0, 0)

    restored = processes.run("restore", str(backup), DATABASE_URL=elsewhere)
    assert restored.returncode == 0, restored.stderr
    assert re.search(r"alder-street: ended 1 sign-in links, .* put on hold \d+ emails", restored.stdout)
    assert restored.stderr == ""
    assert_verify_commands_pass(processes, elsewhere)

    there = processes.web(DATABASE_URL=elsewhere)
    assert_credentials_are_ended(there, held)
    smtp.start()
    second = processes.worker(DATABASE_URL=elsewhere, EMAIL_URL=smtp.url, PUBLIC_BASE_URL=there.url)
    second.wait_for_line("task.completed", seconds=60)
    assert smtp.mails == []  # Parked mails stay parked when the mail server is reachable again.
    assert_verify_commands_pass(processes, elsewhere)


@pytest.mark.sqlite
def test_a_database_in_use_is_not_replaced(processes: Processes, tmp_path: Path) -> None:
    cast.alder()
    backup, database = tmp_path / "backup.sqlite3", Path(connection.settings_dict["NAME"])
    assert processes.run("backup", str(backup)).returncode == 0
    worker = processes.worker()
    worker.wait_for_line("task.completed", seconds=60)
    refused = processes.run("restore", str(backup), "--replace")
    assert (refused.returncode, "Stop web and worker first" in refused.stderr) == (1, True)
    # While the test's own connection is open, no other connection deletes the WAL when it is closed.
    assert Practice.objects.exists()
    assert worker.stop() == 0
    assert database.with_name(f"{database.name}-wal").stat().st_size == 0


# PostgreSQL


def program(name: str) -> str:
    return str(postgresql.programs() / name)


def run(*command: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.postgresql
def test_a_dump_under_load_is_restored_elsewhere(processes: Processes, tmp_path: Path) -> None:
    practice = cast.alder()
    held = people_at_work(processes, practice)
    url, dump = url_of_test_database(), str(tmp_path / "backup.dump")

    def write(number: int) -> None:
        cast.invited(cast.client(practice, f"Client {number}", address=f"c{number}@mail.example"))

    with working(write) as done:
        run(program("pg_dump"), "--format=custom", f"--file={dump}", url)
    assert done
    refused = processes.run("backup", str(tmp_path / "backup"))
    assert (refused.returncode, "pg_dump" in refused.stderr) == (1, True)
    refused = processes.run("restore", dump)
    assert (refused.returncode, "pg_restore" in refused.stderr) == (1, True)

    server, _, name = url.rpartition("/")
    elsewhere = f"{server}/{name}_elsewhere"
    with closing(psycopg.connect(url, autocommit=True)) as owner:
        owner.execute(f'CREATE DATABASE "{name}_elsewhere"')
    try:
        run(program("pg_restore"), "--no-owner", f"--dbname={elsewhere}", dump)
        shut = processes.run("after-restore", DATABASE_URL=elsewhere)
        assert shut.returncode == 0, shut.stderr
        assert re.search(r"alder-street: ended 1 sign-in links, .* put on hold \d+ emails", shut.stdout)
        assert_verify_commands_pass(processes, elsewhere)
        web = processes.web(DATABASE_URL=elsewhere)
        assert_credentials_are_ended(web, held)
        assert web.stop() == 0
        again = processes.run("after-restore", DATABASE_URL=elsewhere)
        assert "alder-street: no open sessions or waiting emails" in again.stdout
    finally:
        processes.end()
        with closing(psycopg.connect(url, autocommit=True)) as owner:
            owner.execute(f'DROP DATABASE "{name}_elsewhere" WITH (FORCE)')
