"""Describes the schema of a database: that of the migrations is compared with that of the models."""

import re

from django.db.backends.base.base import BaseDatabaseWrapper

# Without the names of constraints, indexes and sequences: what was renamed keeps the former ones.
SQLITE = {
    "tables": "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "indexes": "SELECT tbl_name, substr(sql, 1, 13), substr(sql, instr(sql, ' ON ')) FROM sqlite_master "
    "WHERE type = 'index' AND sql <> ''",
    "triggers": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
}
POSTGRESQL = {
    "columns": "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, "
    "pg_get_expr(adbin, adrelid) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum) "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped "
    # Django's own table of permissions, which has other keys when its migrations make it.
    "AND (relname, attname) <> ('auth_group_permissions', 'id')",
    "constraints": "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') FROM pg_indexes "
    "WHERE schemaname = 'public'",
    "triggers": "SELECT tgrelid::regclass::text, tgtype, tgenabled, proname, prosrc FROM pg_trigger "
    "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal",
}


def described(database: BaseDatabaseWrapper) -> dict[str, list[str]]:
    """Returns the columns, constraints, indexes and triggers of all tables, sorted, in lines to compare."""
    found: dict[str, list[str]] = {}
    with database.cursor() as cursor:
        for kind, query in (SQLITE if database.vendor == "sqlite" else POSTGRESQL).items():
            cursor.execute(query)
            rows = cursor.fetchall()
            lines = (line for row in rows for line in (_parts(*row) if kind == "tables" else [_without_casts(*row)]))
            found[kind] = sorted(lines)
    return found


def _without_casts(*row: object) -> str:
    """Returns a row as a line. PostgreSQL casts strings in other places once a table was dumped and restored."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", str(row))


def _parts(table: str, statement: str) -> list[str]:
    """Splits SQLite's CREATE TABLE into columns and constraints, which may come in any order."""
    body = statement[statement.index("(") + 1 : statement.rindex(")")]
    parts, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [f"{table}: {re.sub(r'CONSTRAINT "\w+" ', '', part).strip()}" for part in parts]
