"""What each connection to SQLite is told, and the look-up by the beginning of a word."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.lookups import BuiltinLookup

if TYPE_CHECKING:
    _TextLookup = BuiltinLookup[str]
else:
    _TextLookup = BuiltinLookup

# FULL: what was answered is on the disk. Recursive triggers: else REPLACE deletes past AppendOnly.
PRAGMAS = ("PRAGMA synchronous = FULL", "PRAGMA recursive_triggers = ON")


def connect_signals() -> None:
    """Called once, when the apps are loaded."""
    connection_created.connect(_settle_in, dispatch_uid="portico.plumbing.database.connections")
    for field in (models.CharField, models.TextField):
        field.register_lookup(BeginsWith)


class BeginsWith(_TextLookup):
    """`name__begins_with="av"`: case as stored, answered from an index on both databases.

    Django's `startswith` cannot use an index on SQLite (LIKE there ignores case). PostgreSQL needs
    the `varchar_pattern_ops` index that `db_index=True` makes.
    """

    lookup_name = "begins_with"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # Any: Django's untyped inside.
        column, parameters = self.process_lhs(compiler, connection)
        beginning = str(self.rhs).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE %s", (*parameters, f"{beginning}%")

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # Any: as above.
        column, parameters = self.process_lhs(compiler, connection)
        end = _end_of_range(str(self.rhs))
        if end is None:
            return f"{column} >= %s", (*parameters, str(self.rhs))
        return f"({column} >= %s AND {column} < %s)", (*parameters, str(self.rhs), *parameters, end)


def _end_of_range(beginning: str) -> str | None:
    """The first text after all that begin so; None when there is none."""
    for place in range(len(beginning) - 1, -1, -1):
        following = ord(beginning[place]) + 1
        if following == 0xD800:  # Surrogates are no characters.
            following = 0xE000
        if following <= 0x10FFFF:
            return beginning[:place] + chr(following)
    return None


def checkpoint_wal() -> None:
    """SQLite: brings what was written last into the database's own file, if nobody is in the way just now."""
    if connection.vendor != "sqlite":
        return
    # Away or full: then it is done another time, by whoever closes the file last.
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _settle_in(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        # Asked first: setting it takes a lock that readers of a busy database would wait for.
        if cursor.fetchone()[0] not in {"wal", "memory"}:
            cursor.execute("PRAGMA journal_mode = WAL")
        for pragma in PRAGMAS:
            cursor.execute(pragma)
