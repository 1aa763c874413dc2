"""Describes database errors in a sentence, so that commands need not show a traceback."""

import re

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

# SQLite: "no such table: …"; PostgreSQL: "relation "…" does not exist".
_NO_TABLES = re.compile(r"no such (?:table|column)|(?:relation|column) .* does not exist")
_REASON = re.compile(r"(?:FATAL|ERROR): +(.+)")


def describe(error: DatabaseError | InterfaceError) -> str:
    """Returns a sentence for the operator, or "" for a bug of ours, whose traceback must be shown."""
    if _NO_TABLES.search(str(error)):
        return "The database is not up to date. Run `portico migrate` first."
    if isinstance(error, ProgrammingError) or not isinstance(error, OperationalError | InterfaceError):
        return ""
    return f"Portico cannot work with the database that DATABASE_URL names: {_reason(error)}."


def _reason(error: DatabaseError | InterfaceError) -> str:
    """Returns the database's own message."""
    text = str(error)
    reason = _REASON.search(text)
    line = reason[1] if reason else text.strip().partition("\n")[0]
    return line.rstrip(". ")
