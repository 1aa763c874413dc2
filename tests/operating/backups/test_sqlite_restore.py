"""A backup takes the place of a database only where it should, whole or not at all."""

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
def here(tmp_path: Path) -> Path:
    """Where the installation that is restored will stand."""
    return tmp_path / "here.sqlite3"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    cast.invited(cast.ana(cast.alder()))
    sealing.seal_all()
    file = tmp_path / "backup.sqlite3"
    call_command("backup", str(file), stdout=StringIO())
    return file


def restore(file: Path, here: Path, *, replace: bool = False) -> Restored:
    return sqlite_restore.restore(file, here, replace=replace, by=Actor.operator())


def ask(file: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite_copy.at_rest(file)) as opened:
        return opened.execute(question).fetchall()


def test_the_practice_is_there_with_its_doors_shut(backup: Path, here: Path) -> None:
    done = restore(backup, here)
    assert (done.practices["alder-street"].emails, done.set_aside) == (1, None)
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]
    assert ask(here, "SELECT state FROM plumbing_outgoingemail") == [("failed",)]
    # The backup stays what it was, and so does the database that this process works with.
    assert ask(backup, "SELECT state FROM plumbing_outgoingemail") == [("queued",)]
    assert Practice.objects.get().slug == "alder-street"
    assert not Restoration.objects.exists()
    assert sorted(path.name for path in here.parent.iterdir()) == ["backup.sqlite3", "here.sqlite3"]


def test_data_are_replaced_only_when_told_and_then_set_aside(backup: Path, here: Path) -> None:
    restore(backup, here)
    before = here.read_bytes()
    with pytest.raises(NotRestored, match="--replace"):
        restore(backup, here)
    assert here.read_bytes() == before
    aside = restore(backup, here, replace=True).set_aside
    assert aside is not None
    assert aside.read_bytes() == before
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_a_database_without_any_practice_is_replaced_without_asking(backup: Path, here: Path) -> None:
    with closing(sqlite3.connect(here)) as fresh:
        fresh.execute("CREATE TABLE practices_practice (id)")
    assert restore(backup, here).set_aside is None
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_somebody_elses_database_is_not_replaced(backup: Path, here: Path) -> None:
    with closing(sqlite3.connect(here)) as other:
        other.execute("CREATE TABLE letters (text)")
    with pytest.raises(NotRestored, match="holds data already"):
        restore(backup, here)


def test_a_damaged_database_is_replaced_when_told_and_kept(backup: Path, here: Path) -> None:
    here.write_bytes(b"no database at all" * 500)
    with pytest.raises(NotRestored, match="holds data already"):
        restore(backup, here)
    aside = restore(backup, here, replace=True).set_aside
    assert aside is not None
    assert aside.read_bytes() == b"no database at all" * 500
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]


def test_a_database_that_somebody_has_open_is_not_replaced(backup: Path, here: Path) -> None:
    restore(backup, here)
    with closing(sqlite3.connect(here)) as busy:
        busy.execute("PRAGMA journal_mode = WAL")
        busy.execute("SELECT count(*) FROM practices_practice").fetchall()
        with pytest.raises(NotRestored, match="Stop web and worker first"):
            restore(backup, here, replace=True)
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]


@pytest.mark.parametrize("contents", [b"", b"Dear Ana", b"SQLite format 3\0" + bytes(4096)])
def test_what_is_no_backup_of_portico_is_refused(contents: bytes, tmp_path: Path, here: Path) -> None:
    (tmp_path / "letter").write_bytes(contents)
    with pytest.raises(NotRestored, match="is not a backup of Portico"):
        restore(tmp_path / "letter", here)
    assert not here.exists()


def test_another_programs_database_is_refused(tmp_path: Path, here: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE django_migrations (app, name)")
    with pytest.raises(NotRestored, match="is not a backup of Portico"):
        restore(tmp_path / "other", here)


def test_a_file_that_is_not_there_is_told(tmp_path: Path, here: Path) -> None:
    with pytest.raises(NotCopied, match="There is no file"):
        restore(tmp_path / "nowhere", here)


def test_a_newer_porticos_backup_is_refused_by_name(backup: Path, here: Path) -> None:
    with closing(sqlite3.connect(backup, autocommit=True)) as file:
        file.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('clients', '0099_later', '')")
    with pytest.raises(NotRestored, match=r"clients\.0099_later"):
        restore(backup, here)


def test_an_older_porticos_backup_is_brought_up_to_date(backup: Path, here: Path) -> None:
    applied = "SELECT count(*) FROM django_migrations WHERE app = 'operating'"
    now = ask(backup, applied)
    with closing(sqlite3.connect(backup, autocommit=True)) as file:
        file.execute("DROP TABLE operating_seedref")
        file.execute("DELETE FROM django_migrations WHERE app = 'operating'")
    restore(backup, here)
    assert ask(here, applied) == now
    assert ask(here, "SELECT count(*) FROM operating_seedref") == [(0,)]


def test_a_restore_that_fails_on_its_way_leaves_what_was_there(
    backup: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(backup, here)
    before = here.read_bytes()
    monkeypatch.setattr(after_restore, "_answer_asks", lambda _practice: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        restore(backup, here, replace=True)
    assert here.read_bytes() == before
    assert sorted(path.name for path in here.parent.iterdir()) == ["backup.sqlite3", "here.sqlite3"]
    assert Practice.objects.get().slug == "alder-street"


def test_what_a_crash_left_half_done_is_no_hindrance(backup: Path, here: Path) -> None:
    here.with_name("here.sqlite3.restoring").write_text("half")
    restore(backup, here)
    assert ask(here, "SELECT slug FROM practices_practice") == [("alder-street",)]


# The commands


def test_a_backup_is_told_and_never_takes_the_place_of_a_file(backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(backup))
    assert backup.read_bytes() == before


def test_the_command_refuses_in_a_sentence(backup: Path) -> None:
    with pytest.raises(CommandError, match=r"Nothing was restored\. .* holds data already"):
        call_command("restore", str(backup))
    assert Practice.objects.get().slug == "alder-street"


def test_the_command_tells_what_it_did_and_which_keys_are_missing(
    backup: Path, here: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_KEYS = {"elsewhere": secrets.token_bytes(32)}
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(here))
    told, warned = StringIO(), StringIO()
    try:
        call_command("restore", str(backup), stdout=told, stderr=warned)
    finally:
        connection.close()
    assert "alder-street: ended 0 sign-in links" in told.getvalue()
    assert "parked 1 emails" in told.getvalue()
    assert "FIELD_KEYS lacks the key t1. Without it these cannot be read or proved: audit seals." in warned.getvalue()
