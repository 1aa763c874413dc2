"""The demo's database is what all migrations in turn would make."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from portico.operating.management.commands import demo_data

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

COLUMNS = (
    'SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master t, pragma_table_info(t.name) c '
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
)
# Without the names of indexes: a table that was renamed keeps those of its former name.
INDEXES_AND_TRIGGERS = (
    "SELECT type, substr(sql, instr(sql, CASE type WHEN 'index' THEN ' ON ' ELSE name END)) FROM sqlite_master "
    "WHERE type IN ('index', 'trigger') AND sql <> ''"
)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[DatabaseWrapper]:
    """An empty database beside that of the tests."""
    database = DatabaseWrapper(connection.settings_dict | {"NAME": str(tmp_path / "demo.sqlite3")}, "demo")
    connections["demo"] = database
    yield database
    database.close()
    del connections["demo"]


def rows(database: BaseDatabaseWrapper, query: str) -> set[tuple[object, ...]]:
    with database.cursor() as cursor:
        cursor.execute(query)
        return set(cursor.fetchall())


def test_it_has_the_tables_of_the_migrations(demo: DatabaseWrapper) -> None:
    demo_data.create(demo)
    assert rows(demo, COLUMNS) == rows(connection, COLUMNS)
    assert rows(demo, INDEXES_AND_TRIGGERS) == rows(connection, INDEXES_AND_TRIGGERS)
    executor = MigrationExecutor(demo)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
