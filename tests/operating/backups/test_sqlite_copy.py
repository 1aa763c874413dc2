"""A copy of an SQLite database is complete, self-contained, and never overwrites a file."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portico.operating.backups import sqlite_copy
from portico.operating.backups.sqlite_copy import NotCopied

pytestmark = pytest.mark.sqlite


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "portico.sqlite3"


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    """An open connection, so that new rows stay in the write-ahead log."""
    with closing(sqlite3.connect(database, autocommit=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE names (name)")
        connection.execute("INSERT INTO names VALUES ('Ana')")
        yield connection


def names_in(file: Path) -> list[str]:
    with closing(sqlite_copy.connect_at_rest(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM names")]


def copy(database: Path, target: Path) -> None:
    with closing(sqlite_copy.connect_live(database)) as original:
        sqlite_copy.copy(original, target)


def test_rows_only_in_the_wal_are_copied(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    copy(database, tmp_path / "backup")
    assert names_in(tmp_path / "backup") == ["Ana"]
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["backup"]


def test_an_open_transaction_is_not_copied_and_does_not_block(
    database: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO names VALUES ('Carol')")
    copy(database, tmp_path / "backup")
    writer.execute("COMMIT")
    assert names_in(tmp_path / "backup") == ["Ana"]


def test_only_the_owner_may_read_a_copy(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    copy(database, tmp_path / "backup")
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600


def test_an_existing_file_is_not_overwritten(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("somebody's letter")
    with pytest.raises(NotCopied, match="already exists"):
        copy(database, tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "somebody's letter"


def test_a_missing_folder_is_reported(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    with pytest.raises(NotCopied, match="No such file or directory"):
        copy(database, tmp_path / "nowhere" / "backup")


def test_connecting_does_not_create_a_database(database: Path) -> None:
    for look in (sqlite_copy.connect_live, sqlite_copy.connect_at_rest):
        with pytest.raises(NotCopied):
            look(database)
    assert not database.exists()


def test_a_damaged_database_leaves_no_partial_copy(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    writer.executemany("INSERT INTO names VALUES (?)", [("x" * 500,)] * 200)
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    with pytest.raises(NotCopied, match="Nothing was copied"):
        copy(database, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_a_file_copy_is_read_together_with_its_wal(database: Path, writer: sqlite3.Connection, tmp_path: Path) -> None:
    for ending in ("", "-wal"):
        source = database.with_name(f"{database.name}{ending}")
        (tmp_path / f"copy{ending}").write_bytes(source.read_bytes())
    assert names_in(tmp_path / "copy") == ["Ana"]


def test_a_checkpoint_leaves_everything_in_one_file(database: Path, writer: sqlite3.Connection) -> None:
    writer.close()
    sqlite_copy.checkpoint(database)
    assert [path.name for path in database.parent.iterdir()] == [database.name]
    assert names_in(database) == ["Ana"]
