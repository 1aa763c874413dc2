"""Database connections: settings, the lookup `begins_with`, and locks."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.core.signals import request_started
from django.db import OperationalError, connection, transaction
from django.test import Client as Browser

from portico.domain.practices.models import Practice
from portico.plumbing.database.base_models import RefField
from portico.plumbing.database.transaction_guard import refuse_inside_transaction
from tests.plumbing.sample_rows import a_client, a_practice

pytestmark = pytest.mark.both_databases

TAKEN = ["ab", "aB", "Ab", "a%c", "a_c", "a\\c", "abc", "b", "a\U0010ffffx", "a\ud7ffx", "éa"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "beginning", ["", "a", "ab", "A", "a%", "a_", "a\\", "z", "a\U0010ffff", "\U0010ffff", "a\ud7ff", "é"]
)
def test_begins_with_matches_prefixes_exactly(beginning: str) -> None:
    for number, name in enumerate(TAKEN):
        Practice.objects.create(slug=f"p-{number}", name=name)

    found = Practice.objects.filter(name__begins_with=beginning).values_list("name", flat=True)

    assert sorted(found) == sorted(name for name in TAKEN if name.startswith(beginning))


@pytest.mark.django_db
def test_begins_with_uses_the_index() -> None:
    for _ in range(50):
        a_practice()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("ANALYZE practices_practice")

    plan = Practice.objects.filter(slug__begins_with="practice-1").values("slug").explain()

    assert "SEARCH" in plan or "Index Cond" in plan


@pytest.mark.django_db
@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("recursive_triggers", 1), ("foreign_keys", 1)]
)
def test_sqlite_connections_have_safe_settings(pragma: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")
        assert cursor.fetchone()[0] == value


@pytest.mark.django_db(transaction=True)
def test_network_calls_are_refused_inside_a_transaction() -> None:
    refuse_inside_transaction()
    with pytest.raises(RuntimeError, match="No network"), transaction.atomic():
        refuse_inside_transaction()


@pytest.mark.django_db
def test_the_transaction_of_a_test_is_ignored() -> None:
    refuse_inside_transaction()
    with pytest.raises(RuntimeError, match="No network"), transaction.atomic():
        refuse_inside_transaction()


def test_a_ref_field_deconstructs_without_defaults() -> None:
    _, path, arguments, options = RefField().deconstruct()

    assert (path, arguments, options) == ("portico.plumbing.database.base_models.RefField", [], {})


def _concurrent_insert_succeeds(practice: Practice) -> bool:
    """Returns True if another connection can insert a row that references the practice without waiting."""

    def insert() -> bool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
                a_client(practice)
        except OperationalError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        return other.submit(insert).result()


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_locked_rows_can_be_referenced_by_inserts() -> None:
    practice = a_practice()

    with transaction.atomic():
        Practice.objects.locked().get(pk=practice.pk)
        assert _concurrent_insert_succeeds(practice)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_twin_djangos_default_lock_blocks_inserts() -> None:
    """The twin: shows the wait that `locked` avoids, because of which two such operations deadlock."""
    practice = a_practice()

    with transaction.atomic():
        Practice.objects.select_for_update().get(pk=practice.pk)
        assert not _concurrent_insert_succeeds(practice)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_request_replaces_a_connection_that_the_server_ended(client: Browser) -> None:
    connection.ensure_connection()
    first = connection.connection
    assert client.get("/readyz").status_code == 200
    assert connection.connection is first
    with psycopg.connect(first.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (first.info.backend_pid,))
    request_started.send(sender=None)
    assert client.get("/readyz").status_code == 200
    assert connection.connection is not first
