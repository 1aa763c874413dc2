"""Inserts of rows, with SQL that is built once for each model.

The ORM builds it for each row, which takes longer than the insert. For the rows that nearly every page or mail adds.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection

from portico.plumbing.database.base_models import Row
from portico.plumbing.database.compiled import fetch


def insert(row: Row) -> None:
    """Inserts an unsaved row, as `save(force_insert=True)` does, without its signals."""
    sql, fields = _statement(connection.vendor, type(row))
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    ((row.id,),) = fetch(sql, values)
    row._state.adding, row._state.db = False, connection.alias


def insert_all(rows: Sequence[Row]) -> None:
    """Inserts unsaved rows of one model; several in one statement."""
    if len(rows) == 1:
        insert(rows[0])
    elif rows:
        type(rows[0])._base_manager.bulk_create(rows)


@cache
def _statement(_vendor: str, model: type[Row]) -> tuple[str, list[Any]]:  # Any: fields of any type.
    """Returns the SQL, and the fields whose values it takes. The names are quoted in the database's own way."""
    quoted = connection.ops.quote_name
    fields: list[Any] = [field for field in model._meta.local_fields if not field.primary_key]  # Any: as above.
    columns = ", ".join(quoted(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({places}) RETURNING id"  # noqa: S608  # The names are ours.
    return sql, fields
