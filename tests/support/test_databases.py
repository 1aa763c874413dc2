"""A run stands on the database it names, and on no other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection

from tests.support import databases

pytestmark = pytest.mark.django_db


def test_the_tests_run_on_the_database_that_was_chosen() -> None:
    assert connection.vendor == databases.chosen()


@pytest.mark.postgresql
def test_what_only_postgresql_shows_runs_there() -> None:
    assert connection.vendor == "postgresql"


@pytest.mark.sqlite
def test_what_concerns_sqlite_runs_there() -> None:
    assert connection.vendor == "sqlite"


@pytest.mark.parametrize("name", databases.PROGRAMS)
def test_a_module_that_starts_programs_is_known_by_the_mark_it_writes(name: str, tmp_path: Path) -> None:
    module = tmp_path / "test_something.py"
    module.write_text(f"pytestmark = [pytest.mark.{name}]")
    assert databases.names_programs(module)
    module.write_text(f"pytestmark = [pytest.mark.slow]  # no {name}")
    assert not databases.names_programs(module)


@dataclass
class Item:
    """A test, as pytest tells of it."""

    nodeid: str
    fixturenames: tuple[str, ...] = ()

    def get_closest_marker(self, _name: str) -> None:
        return None


def stands_on(nodeid: str, *fixtures: str) -> tuple[str, ...]:
    return databases.databases_of(cast(Any, Item(nodeid, fixtures)))


def test_what_asks_no_database_runs_once(request: pytest.FixtureRequest) -> None:
    assert stands_on("tests/plumbing/test_money.py::test_x") == ("sqlite",)
    assert stands_on("tests/plumbing/test_limits.py::test_x", "transactional_db") == databases.KINDS
    assert databases.databases_of(request.node) == databases.KINDS


def test_the_tests_of_a_page_take_turns_and_keep_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(databases.WHOLE, raising=False)
    asked = [f"tests/web/office/test_team.py::test_{number}" for number in range(200)]
    turns = [stands_on(nodeid, "db") for nodeid in asked]
    assert {len(turn) for turn in turns} == {1}
    assert 70 < turns.count(("postgresql",)) < 130
    assert turns == [stands_on(nodeid, "db") for nodeid in asked]
    monkeypatch.setenv(databases.WHOLE, "1")
    assert {stands_on(nodeid, "db") for nodeid in asked} == {databases.KINDS}
