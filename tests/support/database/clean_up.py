"""Deletes all rows after a test that commits, those of append-only tables as well."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

# The rows of `migrate`, which no test changes.
KEPT = {ContentType._meta.db_table, Permission._meta.db_table}


@contextmanager
def triggers_off() -> Generator[None]:
    """Turns off the triggers of this connection: rows of append-only tables can be changed and deleted."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        try:
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)  # noqa: FBT003
            yield
        finally:
            connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, True)  # noqa: FBT003
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("RESET session_replication_role")


def delete_all_rows() -> None:
    """Deletes the rows of every table of a model; much quicker than Django's flush, which truncates them all."""
    with triggers_off(), connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        queries = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in _tables())
        cursor.execute(" UNION ALL ".join(queries))
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')


@cache
def _tables() -> tuple[str, ...]:
    return tuple(sorted(set(connection.introspection.django_table_names()) - KEPT))


@pytest.fixture(autouse=True, scope="session")
def quick_clean_up() -> Iterator[None]:
    """Replaces the flush after tests that commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: delete_all_rows())
        yield
