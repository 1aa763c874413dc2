"""Why a command cannot do its work: the database, in a sentence instead of a traceback."""

import re

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection

# SQLite: "no such table: …"; PostgreSQL: "relation "…" does not exist".
_NO_TABLES = re.compile(r"no such (?:table|column)|(?:relation|column) .* does not exist")
_REASON = re.compile(r"(?:FATAL|ERROR): +(.+)")


def describe(error: DatabaseError | InterfaceError) -> str:
    """What to do about it; empty for what is a mistake of ours and must be seen whole."""
    if _NO_TABLES.search(str(error)):
        return "The database is not up to date. Run `portico migrate` first."
    if isinstance(error, ProgrammingError) or not isinstance(error, OperationalError | InterfaceError):
        return ""
    return f"Portico cannot work with the database that DATABASE_URL names: {_reason(error)}."


def _reason(error: DatabaseError | InterfaceError) -> str:
    """In the database's own words: a pool says only that it has waited, so it is asked once more without one."""
    told = str(error)
    if connection.vendor == "postgresql":
        try:
            psycopg.connect(**connection.get_connection_params()).close()
        except psycopg.OperationalError as refusal:
            told = str(refusal)
    reason = _REASON.search(told)
    line = reason[1] if reason else told.strip().partition("\n")[0]
    return line.rstrip(". ")
