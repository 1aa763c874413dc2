"""Settings of SQLite connections, WAL checkpoints, the version of the data, lost connections, `begins_with`."""

import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.signals import request_started
from django.db import OperationalError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.lookups import BuiltinLookup

if TYPE_CHECKING:
    _TextLookup = BuiltinLookup[str]
else:
    _TextLookup = BuiltinLookup

# FULL: committed data is on disk before the response. Recursive triggers: else REPLACE deletes despite AppendOnly.
PRAGMAS = ("PRAGMA synchronous = FULL", "PRAGMA recursive_triggers = ON")


def connect_signals() -> None:
    """Registers the connection settings, the check and the lookup. Called once, when the apps are loaded."""
    request_started.connect(_close_if_ended, dispatch_uid="portico.plumbing.database.connections")
    connection_created.connect(_set_pragmas, dispatch_uid="portico.plumbing.database.connections")
    for field in (models.CharField, models.TextField):
        field.register_lookup(BeginsWith)


class BeginsWith(_TextLookup):
    """`name__begins_with="av"`: case-sensitive, and uses an index on both databases.

    Django's `startswith` cannot use an index on SQLite (LIKE there ignores case). PostgreSQL needs
    the `varchar_pattern_ops` index that `db_index=True` creates.
    """

    lookup_name = "begins_with"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # Any: untyped in Django.
        column, parameters = self.process_lhs(compiler, connection)
        prefix = str(self.rhs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE %s", (*parameters, f"{prefix}%")

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # Any: as above.
        column, parameters = self.process_lhs(compiler, connection)
        bound = _upper_bound(str(self.rhs))
        if bound is None:
            return f"{column} >= %s", (*parameters, str(self.rhs))
        return f"({column} >= %s AND {column} < %s)", (*parameters, str(self.rhs), *parameters, bound)


def _upper_bound(prefix: str) -> str | None:
    """Returns the smallest text greater than all that begin with the prefix; None if there is none."""
    for index in range(len(prefix) - 1, -1, -1):
        following = ord(prefix[index]) + 1
        if following == 0xD800:  # Surrogates are not characters.
            following = 0xE000
        if following <= 0x10FFFF:
            return prefix[:index] + chr(following)
    return None


def data_version() -> object:
    """Returns a value that changes with every commit of another connection; reading it costs almost nothing."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version" if is_sqlite else "SELECT pg_current_snapshot()::text")
        return cursor.fetchone()[0]


def checkpoint_wal() -> None:
    """Moves the WAL into the database file (SQLite), unless another connection is using it."""
    if connection.vendor != "sqlite":
        return
    # Unavailable or full: the last connection that closes the file does it.
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _close_if_ended(**_: object) -> None:
    """Closes the thread's connection if PostgreSQL has closed it, so that the request begins with a new one.

    An idle connection has something to read only then. Asking the server instead would take a query for each request.
    """
    if connection.vendor != "postgresql" or connection.connection is None or connection.in_atomic_block:
        return
    if connection.connection.closed or _has_input(connection.connection.fileno()):
        connection.close()


def _has_input(descriptor: int) -> bool:
    polled = select.poll()
    polled.register(descriptor, select.POLLIN)
    return bool(polled.poll(0))


def _set_pragmas(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        # Read first: setting it takes a lock that readers of a busy database would wait for.
        if cursor.fetchone()[0] not in {"wal", "memory"}:
            cursor.execute("PRAGMA journal_mode = WAL")
        for pragma in PRAGMAS:
            cursor.execute(pragma)
