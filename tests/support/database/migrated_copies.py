"""Creates the test databases as copies of one with today's tables, which is kept in build/ for later runs."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from portico.operating.management.commands import demo_data
from tests.environment import BUILD
from tests.support.database import postgresql

# The label of the template with today's tables.
MIGRATED = "migrated"
ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = BUILD / "test-databases"
# A template depends on these files, and on the version of the database.
SOURCES = (
    "portico/**/migrations/*.py",
    "portico/**/models.py",
    "portico/**/models/*.py",
    "portico/plumbing/database/*.py",
    "requirements/dev.txt",
    "tests/operating/test_upgrade.py",
    "tests/operating/upgrade/*.json",
    "tests/support/database/migrated_copies.py",
)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Gives this process a database of its own, in place of pytest-django's fixture of this name."""
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]  # Not in the stubs.
    with django_db_blocker.unblock():
        create_copy(name, label=MIGRATED, make=create_tables)
    with connected_to(name):
        yield
    with django_db_blocker.unblock():
        drop(name)


def create_tables() -> None:
    """Creates the tables of today's models, and the rows that `migrate` adds at its end.

    Those of the migrations are the same (tests/operating/test_upgrade.py) and take thirty times as long.
    """
    demo_data.create(connection)
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)


def create_copy(name: str, *, label: str, make: Callable[[], object]) -> None:
    """Creates a database as a copy of the template with this label.

    If there is no such template, `make` is called while connected to an empty database, which then becomes it.
    """
    create = _create_sqlite_copy if connection.vendor == "sqlite" else _create_postgresql_copy
    create(name, TEMPLATES / f"{label}-{_fingerprint()}", make)


def fill(url: str) -> None:
    """Creates today's tables in an empty database of another PostgreSQL server."""
    _psql(url, TEMPLATES / f"{MIGRATED}-{_fingerprint()}.sql")


def drop(name: str) -> None:
    """Drops a database, even if the test process is connected to it."""
    disconnect(connection)
    if connection.vendor == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)
    else:
        _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def connected_to(name: str) -> Generator[None]:
    """Makes this database the default one for a while."""
    own = connection.settings_dict["NAME"]
    disconnect(connection)
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        disconnect(connection)
        connection.settings_dict["NAME"] = own


def disconnect(database: BaseDatabaseWrapper) -> None:
    database.close()
    if database.vendor == "postgresql":
        database.close_pool()  # type: ignore[attr-defined]  # Only PostgreSQL has one.


def _create_sqlite_copy(name: str, stem: Path, make: Callable[[], object]) -> None:
    template = stem.with_suffix(".sqlite3")
    with _exclusive():
        if not template.exists():
            # Beside the copy, where writing is fast.
            draft = f"{name}.template"
            with connected_to(draft):
                make()
            _store(Path(draft).read_bytes(), template)
            Path(draft).unlink()
        shutil.copyfile(template, name)


def _create_postgresql_copy(name: str, stem: Path, make: Callable[[], object]) -> None:
    dump, template = stem.with_suffix(".sql"), stem.name
    with _exclusive():
        if not _exists(template):
            _administer(f'CREATE DATABASE "{template}"')
            if dump.exists():
                _psql(_url(template), dump)
            else:
                with connected_to(template):
                    make()
                _store(_run("pg_dump", f"--dbname={_url(template)}"), dump)
        _administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def _fingerprint() -> str:
    digest = hashlib.sha256(str(postgresql.programs()).encode() if connection.vendor == "postgresql" else b"")
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _store(content: bytes, template: Path) -> None:
    """Writes a template, and removes the older ones with its label."""
    label = template.name.rpartition("-")[0]
    for older in TEMPLATES.glob(f"{label}-*{template.suffix}"):
        older.unlink()
    draft = template.with_suffix(".draft")
    draft.write_bytes(content)
    draft.rename(template)


@contextmanager
def _exclusive() -> Generator[None]:
    """Lets one process at a time make or copy templates."""
    TEMPLATES.mkdir(exist_ok=True)
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _exists(name: str) -> bool:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _administer(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def _url(name: str) -> str:
    """Returns the address of a database of the test cluster."""
    settings = connection.settings_dict
    return f"postgresql://{settings['USER']}@{settings['HOST']}:{settings['PORT']}/{name}"


def _psql(url: str, file: Path) -> None:
    _run("psql", f"--dbname={url}", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}")


def _run(program: str, *options: str) -> bytes:
    """Runs a program of PostgreSQL; returns what it prints."""
    return subprocess.run((postgresql.programs() / program, *options), check=True, capture_output=True).stdout
