"""Copies of a real row, made by SQL in large numbers; each copy differs in some columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from django.core.management.color import no_style
from django.db import connection, models, transaction

type Value = int | str | date


def multiply(template: models.Model, source: str, columns: Mapping[str, str]) -> None:
    """Inserts a copy of the row for each row of `source`, an SQL table expression.

    `columns` has an SQL expression for each column that differs: of `source`, and of `template`, the copied row.
    """
    fields = [field for field in template._meta.concrete_fields if not field.generated]
    names = [name for field in fields if (name := str(field.column)) != "id" or name in columns]
    values = (f"({columns[name]})" if name in columns else f"template.{_quoted(name)}" for name in names)
    table = _quoted(template._meta.db_table)
    execute(
        f"INSERT INTO {table} ({', '.join(map(_quoted, names))}) SELECT {', '.join(values)}"
        f" FROM {source} CROSS JOIN {table} AS template WHERE template.id = %s",
        template.pk,
    )


def execute(sql: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)


def ref(template: models.Model) -> str:
    """Returns the SQL of a new ref for a copy of this row."""
    return f"substr(md5('{template._meta.label} {template.pk} ' || n), 1, 16)"


def highest_id(model: type[models.Model]) -> int:
    return model._default_manager.aggregate(highest=models.Max("id"))["highest"] or 0


@contextmanager
def staging_table(name: str, columns: str, rows: Iterable[Sequence[Value]]) -> Iterator[None]:
    """Creates a table with these rows for the length of the block."""
    width = columns.count(",") + 1
    execute(f"CREATE TABLE {name} ({columns})")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * width)})", list(rows))
    try:
        yield
    finally:
        execute(f"DROP TABLE {name}")


@contextmanager
def fast_inserts(*tables: type[models.Model]) -> Iterator[None]:
    """Inserts without foreign keys and triggers, in one transaction; on PostgreSQL indexes are built at the end."""
    if connection.vendor == "sqlite":
        with connection.constraint_checks_disabled(), transaction.atomic():
            yield
        return
    with transaction.atomic():
        # No index can be built while checks of rows inserted before are pending.
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute("SET CONSTRAINTS ALL DEFERRED")
        execute("SET LOCAL session_replication_role = replica")
        execute("SET LOCAL maintenance_work_mem = '1GB'")
        indexes = [index for table in tables for index in _drop_indexes(table._meta.db_table)]
        yield
        for index in indexes:
            execute(index)
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables)):
            execute(statement)


def _drop_indexes(table: str) -> list[str]:
    """Drops the indexes that are not part of a constraint; returns the statements that build them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            (table,),
        )
        found = cursor.fetchall()
        for name, _definition in found:
            cursor.execute(f"DROP INDEX {_quoted(name)}")
    return [definition for _name, definition in found]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
