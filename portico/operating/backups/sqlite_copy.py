"""Copies an SQLite database: a consistent snapshot, checked and synced to disk, while others write to it."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

# As long as the web server waits for a lock (database_address.py).
SECONDS_TO_WAIT = 5


class NotCopied(Exception):
    """The copy failed. The message is a sentence for the operator."""


def connect_live(database: Path) -> sqlite3.Connection:
    """Connects to a database in use. Raises NotCopied if the file is missing: connecting must not create it."""
    if not database.is_file():
        raise NotCopied(f"There is no database at {database}.")
    return _connect(database, "mode=rw")


def connect_at_rest(database: Path) -> sqlite3.Connection:
    """Connects to a database that is not in use, and writes no file beside it. Raises NotCopied if it is missing."""
    if not database.is_file():
        raise NotCopied(f"There is no file {database}.")
    # A plain copy of the files may include a write-ahead log with the latest writes, which must be read too.
    has_log = _beside(database, "-wal").exists()
    return _connect(database, "mode=rw" if has_log else "mode=ro&immutable=1")


def copy(original: sqlite3.Connection, target: Path) -> None:
    """Writes a self-contained copy to a new file. Raises NotCopied, also if the target exists."""
    try:
        # Reserves the name: of two parallel copies only one continues.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise NotCopied(f"{target} already exists. Choose another name or move it first.") from None
    except OSError as error:
        raise NotCopied(f"Cannot write {target}: {error.strerror}.") from error
    try:
        _write(original, target)
    except (OSError, sqlite3.Error, NotCopied) as error:
        target.unlink(missing_ok=True)
        raise NotCopied(f"Nothing was copied to {target}: {error}") from error


def checkpoint(database: Path) -> None:
    """Merges the write-ahead log into the database file and syncs it. Needs exclusive access."""
    with closing(_connect(database, "mode=rw")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    sync(database)


def sync(path: Path) -> None:
    """Waits until a file, or the list of names of a folder, is on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write(original: sqlite3.Connection, target: Path) -> None:
    # Written under a temporary name until complete: the target is a whole backup or empty.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    unfinished = Path(name)
    try:
        with closing(sqlite3.connect(unfinished)) as connection:
            # In one step, so in one read transaction: in several steps, each write by others would restart the copy.
            original.backup(connection)
            connection.execute("PRAGMA journal_mode = DELETE")
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if result != "ok":
            raise NotCopied(f"the database is damaged ({result}).")
        sync(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _connect(database: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?{options}", uri=True, timeout=SECONDS_TO_WAIT)


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(f"{database.name}{ending}")
