"""The demo's database is one on which all migrations ran."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from portico.operating.management.commands import demo_data
from tests.support.database import schemas

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DatabaseWrapper]:
    """An empty database beside that of the tests."""
    database = DatabaseWrapper(connection.settings_dict | {"NAME": str(tmp_path / "demo.sqlite3")}, "demo")
    connections["demo"] = database
    yield database
    database.close()
    del connections["demo"]


def test_it_has_all_tables_and_nothing_to_migrate(demo: DatabaseWrapper) -> None:
    demo_data.create(demo)
    assert schemas.described(demo) == schemas.described(connection)
    executor = MigrationExecutor(demo)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
