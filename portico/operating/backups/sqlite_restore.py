"""Restores a backup of an SQLite installation: prepares a copy beside the database, then replaces it atomically."""

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

# The suffixes of the files that SQLite keeps for one database; the first is the database itself.
COMPANIONS = ("", "-wal", "-shm", "-journal")


class NotRestored(Exception):
    """The restore was refused and nothing was changed. The message is a sentence for the operator."""


@dataclass(frozen=True)
class Restored:
    """The summaries of a restore by practice slug, and the path to which the previous database was moved, if any."""

    practices: dict[str, RestoreSummary]
    set_aside: Path | None


def restore(file: Path, database: Path, *, replace: bool, by: Actor) -> Restored:
    """Replaces the database with the backup, migrated and with sessions and links ended.

    Raises NotRestored and sqlite_copy.NotCopied. A crash half-way leaves the previous database in place.
    """
    prepared = database.with_name(f"{database.name}.restoring")
    with closing(sqlite_copy.connect_at_rest(file)) as original:
        _refuse_foreign(original, file)
        has_data = _has_data(database)
        if has_data and not replace:
            raise NotRestored(
                f"{database} already contains data. Use --replace to rename and keep it in the same folder."
            )
        _refuse_in_use(database)
        _remove(prepared)
        sqlite_copy.copy(original, prepared)
    try:
        with _django_connected_to(prepared):
            call_command("migrate", interactive=False, verbosity=0)
            summaries = after_restore.after_restore(by=by)
        sqlite_copy.checkpoint(prepared)
        set_aside = _set_aside(database) if has_data else None
        if set_aside is None:
            _remove(database)
        prepared.replace(database)
        sqlite_copy.sync(database.parent)
    finally:
        _remove(prepared)
    return Restored(summaries, set_aside)


def _refuse_foreign(original: sqlite3.Connection, file: Path) -> None:
    known = set(MigrationLoader(None).disk_migrations)
    try:
        applied = set(original.execute("SELECT app, name FROM django_migrations"))
        original.execute("SELECT 1 FROM practices_practice")
    except sqlite3.DatabaseError as error:
        raise NotRestored(f"{file} is not a backup of Portico ({error}).") from error
    if newer := sorted(f"{app}.{name}" for app, name in applied - known):
        raise NotRestored(f"{file} was created by a newer Portico with unknown migrations: {', '.join(newer)}.")


def _has_data(database: Path) -> bool:
    """Returns True if the file may hold data that must not be lost."""
    if not database.exists():
        return False
    try:
        with closing(sqlite_copy.connect_live(database)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "practices_practice" not in tables:
                return bool(tables)
            return connection.execute("SELECT 1 FROM practices_practice").fetchone() is not None
    except sqlite3.DatabaseError:
        return True  # Damaged, which may be the reason for restoring; keep it all the same.


def _refuse_in_use(database: Path) -> None:
    """Raises NotRestored while another process has the database open."""
    if not database.exists():
        return
    try:
        with closing(sqlite_copy.connect_live(database)) as connection:
            # Leaving WAL mode needs an exclusive lock on the database.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise NotRestored(f"{database} is in use. Stop web and worker first.") from error


@contextmanager
def _django_connected_to(database: Path) -> Iterator[None]:
    """Connects Django to this file instead of its own database."""
    own_name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = str(database)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own_name


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
