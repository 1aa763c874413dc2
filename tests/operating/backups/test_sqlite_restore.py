"""A restore replaces the database completely or not at all, and only if it may."""

import secrets
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from portico.domain.maintenance import after_restore
from portico.domain.practices.models import Practice
from portico.operating.backups import sqlite_copy, sqlite_restore
from portico.operating.backups.sqlite_copy import NotCopied
from portico.operating.backups.sqlite_restore import NotRestored, Restored
from portico.plumbing.actors import Actor
from portico.plumbing.audit import sealing
from portico.plumbing.models import Restoration
from tests import cast

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The path of the database to restore to."""
    return tmp_path / "target.sqlite3"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    cast.invited(cast.ana(cast.alder()))
    sealing.seal_all()
    file = tmp_path / "backup.sqlite3"
    call_command("backup", str(file), stdout=StringIO())
    return file


def restore(file: Path, target: Path, *, replace: bool = False) -> Restored:
    return sqlite_restore.restore(file, target, replace=replace, by=Actor.operator())


def query(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite_copy.connect_at_rest(file)) as opened:
        return opened.execute(sql).fetchall()


def test_the_practice_is_restored_with_sessions_and_links_ended(backup: Path, target: Path) -> None:
    done = restore(backup, target)
    assert (done.practices["alder-street"].emails, done.set_aside) == (1, None)
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]
    assert query(target, "SELECT state FROM plumbing_outgoingemail") == [("failed",)]
    # The backup is unchanged, and so is this process's own database.
    assert query(backup, "SELECT state FROM plumbing_outgoingemail") == [("queued",)]
    assert Practice.objects.get().slug == "alder-street"
    assert not Restoration.objects.exists()
    assert sorted(path.name for path in target.parent.iterdir()) == ["backup.sqlite3", "target.sqlite3"]


def test_data_are_replaced_only_with_replace_and_set_aside(backup: Path, target: Path) -> None:
    restore(backup, target)
    before = target.read_bytes()
    with pytest.raises(NotRestored, match="--replace"):
        restore(backup, target)
    assert target.read_bytes() == before
    aside = restore(backup, target, replace=True).set_aside
    assert aside is not None
    assert aside.read_bytes() == before
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_a_database_without_practices_is_replaced(backup: Path, target: Path) -> None:
    with closing(sqlite3.connect(target)) as fresh:
        fresh.execute("CREATE TABLE practices_practice (id)")
    assert restore(backup, target).set_aside is None
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_a_foreign_database_is_not_replaced(backup: Path, target: Path) -> None:
    with closing(sqlite3.connect(target)) as other:
        other.execute("CREATE TABLE letters (text)")
    with pytest.raises(NotRestored, match="already contains data"):
        restore(backup, target)


def test_a_damaged_database_is_set_aside_with_replace(backup: Path, target: Path) -> None:
    target.write_bytes(b"no database at all" * 500)
    with pytest.raises(NotRestored, match="already contains data"):
        restore(backup, target)
    aside = restore(backup, target, replace=True).set_aside
    assert aside is not None
    assert aside.read_bytes() == b"no database at all" * 500
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_a_database_in_use_is_not_replaced(backup: Path, target: Path) -> None:
    restore(backup, target)
    with closing(sqlite3.connect(target)) as busy:
        busy.execute("PRAGMA journal_mode = WAL")
        busy.execute("SELECT count(*) FROM practices_practice").fetchall()
        with pytest.raises(NotRestored, match="Stop web and worker first"):
            restore(backup, target, replace=True)
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]


@pytest.mark.parametrize("contents", [b"", b"Dear Ana", b"SQLite format 3\0" + bytes(4096)])
def test_a_file_that_is_no_backup_is_refused(contents: bytes, tmp_path: Path, target: Path) -> None:
    (tmp_path / "letter").write_bytes(contents)
    with pytest.raises(NotRestored, match="is not a backup of Portico"):
        restore(tmp_path / "letter", target)
    assert not target.exists()


def test_a_backup_of_another_program_is_refused(tmp_path: Path, target: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE django_migrations (app, name)")
    with pytest.raises(NotRestored, match="is not a backup of Portico"):
        restore(tmp_path / "other", target)


def test_a_missing_file_is_reported(tmp_path: Path, target: Path) -> None:
    with pytest.raises(NotCopied, match="There is no file"):
        restore(tmp_path / "nowhere", target)


def test_a_backup_of_a_newer_version_is_refused(backup: Path, target: Path) -> None:
    with closing(sqlite3.connect(backup, autocommit=True)) as file:
        file.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('clients', '0099_later', '')")
    with pytest.raises(NotRestored, match=r"clients\.0099_later"):
        restore(backup, target)


def test_a_backup_of_an_older_version_is_migrated(backup: Path, target: Path) -> None:
    applied = "SELECT count(*) FROM django_migrations WHERE app = 'operating'"
    now = query(backup, applied)
    with closing(sqlite3.connect(backup, autocommit=True)) as file:
        file.execute("DROP TABLE operating_seedref")
        file.execute("DELETE FROM django_migrations WHERE app = 'operating'")
    restore(backup, target)
    assert query(target, applied) == now
    assert query(target, "SELECT count(*) FROM operating_seedref") == [(0,)]


def test_a_failed_restore_leaves_the_old_database(backup: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore(backup, target)
    before = target.read_bytes()
    monkeypatch.setattr(after_restore, "_expire_requests", lambda _practice: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        restore(backup, target, replace=True)
    assert target.read_bytes() == before
    assert sorted(path.name for path in target.parent.iterdir()) == ["backup.sqlite3", "target.sqlite3"]
    assert Practice.objects.get().slug == "alder-street"


def test_leftovers_of_a_crash_do_not_matter(backup: Path, target: Path) -> None:
    target.with_name("target.sqlite3.restoring").write_text("half")
    restore(backup, target)
    assert query(target, "SELECT slug FROM practices_practice") == [("alder-street",)]


# The commands


def test_the_backup_command_overwrites_no_file(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(CommandError, match="already exists"):
        call_command("backup", str(backup))
    assert backup.read_bytes() == before


def test_the_restore_command_refuses_in_a_sentence(backup: Path) -> None:
    with pytest.raises(CommandError, match=r"Nothing was restored\. .* already contains data"):
        call_command("restore", str(backup))
    assert Practice.objects.get().slug == "alder-street"


def test_the_restore_command_prints_a_summary_and_missing_keys(
    backup: Path, target: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_KEYS = {"elsewhere": secrets.token_bytes(32)}
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(target))
    output, warned = StringIO(), StringIO()
    try:
        call_command("restore", str(backup), stdout=output, stderr=warned)
    finally:
        connection.close()
    assert "alder-street: ended 0 sign-in links" in output.getvalue()
    assert "put on hold 1 emails" in output.getvalue()
    assert "FIELD_KEYS is missing the key t1, which is needed to read or verify: audit seals." in warned.getvalue()
