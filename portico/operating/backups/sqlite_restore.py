"""A backup of an SQLite installation becomes the installation: prepared beside it, then put in its place at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from portico.domain.maintenance import after_restore
from portico.domain.maintenance.after_restore import RestoreSummary
from portico.operating.backups import sqlite_copy
from portico.plumbing import clock
from portico.plumbing.actors import Actor

# What SQLite keeps beside a database's own file.
COMPANIONS = ("", "-wal", "-shm", "-journal")


class NotRestored(Exception):
    """In a sentence for the operator. Nothing was changed."""


@dataclass(frozen=True)
class Restored:
    """What was done at each practice, by slug, and where the database went that stood there before."""

    practices: dict[str, RestoreSummary]
    set_aside: Path | None


def restore(file: Path, database: Path, *, replace: bool, by: Actor) -> Restored:
    """Raises NotRestored and copying.NotCopied. A crash half-way leaves what was there before."""
    beside = database.with_name(f"{database.name}.restoring")
    with closing(sqlite_copy.at_rest(file)) as original:
        _refuse_foreign(original, file)
        holds_something = _holds_something(database)
        if holds_something and not replace:
            raise NotRestored(
                f"{database} holds data already. With --replace it is set aside, under another name in the same folder."
            )
        _refuse_in_use(database)
        _remove(beside)
        sqlite_copy.copy(original, beside)
    try:
        with _django_on(beside):
            call_command("migrate", interactive=False, verbosity=0)
            told = after_restore.after_restore(by=by)
        sqlite_copy.checkpoint(beside)
        set_aside = _set_aside(database) if holds_something else None
        if set_aside is None:
            _remove(database)
        beside.replace(database)
        sqlite_copy.sync(database.parent)
    finally:
        _remove(beside)
    return Restored(told, set_aside)


def _refuse_foreign(original: sqlite3.Connection, file: Path) -> None:
    known = set(MigrationLoader(None).disk_migrations)
    try:
        applied = set(original.execute("SELECT app, name FROM django_migrations"))
        original.execute("SELECT 1 FROM practices_practice")
    except sqlite3.DatabaseError as error:
        raise NotRestored(f"{file} is not a backup of Portico ({error}).") from error
    if newer := sorted(f"{app}.{name}" for app, name in applied - known):
        raise NotRestored(f"{file} was made by a newer Portico: this one does not know {', '.join(newer)}.")


def _holds_something(database: Path) -> bool:
    """Whether anything stands there that is worth keeping."""
    if not database.exists():
        return False
    try:
        with closing(sqlite_copy.live(database)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "practices_practice" not in tables:
                return bool(tables)
            return connection.execute("SELECT 1 FROM practices_practice").fetchone() is not None
    except sqlite3.DatabaseError:
        return True  # Damaged, perhaps the very reason for restoring; kept all the same.


def _refuse_in_use(database: Path) -> None:
    """Raises NotRestored while somebody else has the database open."""
    if not database.exists():
        return
    try:
        with closing(sqlite_copy.live(database)) as connection:
            # To leave the write-ahead log SQLite must have the database for itself.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise NotRestored(f"{database} is in use. Stop web and worker first.") from error


@contextmanager
def _django_on(database: Path) -> Iterator[None]:
    """Django works on this file instead of its own."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _set_aside(database: Path) -> Path:
    aside = database.with_name(f"{database.name}.before-restore-{clock.now():%Y%m%dT%H%M%SZ}")
    for ending in COMPANIONS:
        part = database.with_name(f"{database.name}{ending}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{ending}"))
    return aside


def _remove(database: Path) -> None:
    for ending in COMPANIONS:
        database.with_name(f"{database.name}{ending}").unlink(missing_ok=True)
