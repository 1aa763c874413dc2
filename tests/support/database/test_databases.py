"""The choice of the database for each test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection

from tests.support.database import databases

pytestmark = pytest.mark.django_db


def test_the_tests_run_on_the_database_that_was_chosen() -> None:
    assert connection.vendor == databases.chosen()


@pytest.mark.postgresql
def test_what_only_postgresql_shows_runs_there() -> None:
    assert connection.vendor == "postgresql"


@pytest.mark.sqlite
def test_what_concerns_sqlite_runs_there() -> None:
    assert connection.vendor == "sqlite"


@dataclass
class Item:
    """A collected test with the attributes that `turns` reads."""

    path: Path
    fixturenames: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None


def turns_of(*items: Item) -> list[tuple[str, ...]]:
    return databases.turns(cast(Any, items))


@pytest.fixture
def run_on_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(databases.BOTH, "1")
    monkeypatch.delenv(databases.WHOLE, raising=False)


@pytest.mark.usefixtures("run_on_both")
def test_a_test_without_a_database_runs_once() -> None:
    assert turns_of(Item(Path("test_money.py"))) == [("sqlite",)]


@pytest.mark.usefixtures("run_on_both")
def test_tests_of_one_module_take_turns() -> None:
    module = [Item(Path("test_team.py"), ("db",)) for _ in range(4)]
    assert turns_of(*module) == [("sqlite",), ("postgresql",), ("sqlite",), ("postgresql",)]


@pytest.mark.usefixtures("run_on_both")
def test_modules_with_one_test_take_turns_too() -> None:
    assert turns_of(*(Item(Path(f"test_{n}.py"), ("db",)) for n in range(3))) == [
        ("sqlite",),
        ("postgresql",),
        ("sqlite",),
    ]


@pytest.mark.usefixtures("run_on_both")
def test_locks_and_sql_run_on_both() -> None:
    assert turns_of(Item(Path("test_limits.py"), ("db",), ("both_databases",))) == [databases.KINDS]


@pytest.mark.usefixtures("run_on_both")
def test_a_mark_of_one_database_wins() -> None:
    assert turns_of(Item(Path("test_queue.py"), ("db",), ("both_databases", "postgresql"))) == [("postgresql",)]


@pytest.mark.usefixtures("run_on_both")
def test_a_whole_run_leaves_nothing_to_one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(databases.WHOLE, "1")
    assert turns_of(*(Item(Path("test_team.py"), ("db",)) for _ in range(2))) == [databases.KINDS] * 2


def test_a_run_on_one_database_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(databases.BOTH, raising=False)
    assert turns_of(Item(Path("test_team.py"), ("db",)), Item(Path("test_money.py"))) == [databases.KINDS] * 2
