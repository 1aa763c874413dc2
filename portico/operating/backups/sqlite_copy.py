"""Copies of an SQLite database: whole, of one moment, and on the disk, however busy the original is."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

# A writer waits for another as long as pages do (configuration.py).
SECONDS_TO_WAIT = 5


class NotCopied(Exception):
    """In a sentence for the operator."""


def live(database: Path) -> sqlite3.Connection:
    """A database that others work with. Raises NotCopied when there is none: opening must not make one."""
    if not database.is_file():
        raise NotCopied(f"There is no database at {database}.")
    return _connect(database, "mode=rw")


def at_rest(database: Path) -> sqlite3.Connection:
    """A database that nobody works with; not a byte beside it is changed."""
    if not database.is_file():
        raise NotCopied(f"There is no file {database}.")
    # A plain copy may bring its own log of what was written last; then that has to be read as well.
    has_log = _beside(database, "-wal").exists()
    return _connect(database, "mode=rw" if has_log else "mode=ro&immutable=1")


def copy(original: sqlite3.Connection, target: Path) -> None:
    """Writes a file that stands for itself; never over one that is there. Raises NotCopied."""
    try:
        # Reserves the name, so that of two at once only one goes on.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise NotCopied(f"{target} is there already. Choose another name, or move it away first.") from None
    except OSError as error:
        raise NotCopied(f"Cannot write {target}: {error.strerror}.") from error
    try:
        _write(original, target)
    except (OSError, sqlite3.Error, NotCopied) as error:
        target.unlink(missing_ok=True)
        raise NotCopied(f"Nothing was copied to {target}: {error}") from error


def checkpoint(database: Path) -> None:
    """Brings everything into the one file, and onto the disk. Nobody else may have it open."""
    with closing(_connect(database, "mode=rw")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    sync(database)


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write(original: sqlite3.Connection, target: Path) -> None:
    # Under another name until it is whole: what carries the name is a backup, or empty.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        with closing(sqlite3.connect(unfinished)) as connection:
            # In one step, which is one reader's moment: in steps, each write elsewhere would start it anew.
            original.backup(connection)
            connection.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise NotCopied(f"the database is damaged ({verdict}).")
        sync(unfinished)
        unfinished.replace(target)
        sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _connect(database: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.resolve().as_uri()}?{how}", uri=True, timeout=SECONDS_TO_WAIT)


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(f"{database.name}{ending}")
