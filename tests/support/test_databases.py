"""A run stands on the database it names, and on no other."""

from pathlib import Path

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
