"""Statements that PostgreSQL prepares once for each connection, and then only runs."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from django.db import NotSupportedError, connection
from django.db.backends.utils import CursorWrapper
from psycopg.sql import Literal

# More than there are compiled queries.
CACHE_SIZE = 1_024


class _PreparingCursor(psycopg.RawCursor[Any]):  # Any: rows of any kind.
    """Prepares what it executes, unless the connection's `prepare_threshold` is None."""

    def execute(self, query: Any, params: Any = None, **_: object) -> "_PreparingCursor":  # Any: psycopg's own types.
        return super().execute(_with_numbers(query), params, prepare=True)


@lru_cache(maxsize=CACHE_SIZE)
def _with_numbers(sql: str) -> bytes:
    """Returns the SQL with $1 for the first `%s`, as PostgreSQL reads it; psycopg converts a long one at each run."""
    numbers = count(1)
    return re.sub("%[s%]", lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", sql).encode()


def execute(cursor: CursorWrapper, sql: str, values: Sequence[Any]) -> None:  # Any: of any type.
    """Executes the statement with a new cursor of Django's, which then prepares it, unless a pooler is in between.

    Statements are remembered by the connection only meanwhile: it would keep those of other cursors, with their values.
    """
    cursor.cursor = _PreparingCursor(connection.connection)
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        cursor.execute(sql, values)
        return
    connected = connection.connection
    connected.prepare_threshold, connected.prepared_max = 0, CACHE_SIZE
    try:
        _execute_prepared(cursor, sql, values)
    finally:
        connected.prepare_threshold = None


def _execute_prepared(cursor: CursorWrapper, sql: str, values: Sequence[Any]) -> None:  # Any: as above.
    try:
        cursor.execute(sql, values)
    except NotSupportedError as error:
        # "cached plan must not change result type": a migration changed the type of a column.
        if connection.in_atomic_block or not isinstance(error.__cause__, psycopg.errors.FeatureNotSupported):
            raise
        connection.connection.execute("DEALLOCATE ALL")
        cursor.execute(sql, values)


def with_literals(
    sql: str, values: Iterable[Any], *, is_parameter: Callable[[object], bool]
) -> tuple[str, list[Any]]:  # Any: of any type.
    """Writes the constants into the SQL: a plan for all values can then use the indexes that have them as condition.

    Returns the SQL and the values that are left, the parameters.
    """
    connection.ensure_connection()
    parts, parameters = [], []
    for value in values:
        if is_parameter(value):
            parameters.append(value)
            parts.append("%s")
        else:
            parts.append(Literal(value).as_string(connection.connection).replace("%", "%%"))
    return sql.replace("%%", "%%%%") % tuple(parts), parameters
