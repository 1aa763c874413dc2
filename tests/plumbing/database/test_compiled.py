"""Compiled queries: they return what their queryset returns, for each value, and refuse what they cannot hold."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import NotSupportedError, connection, transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import TruncDate
from django.db.transaction import TransactionManagementError
from pytest_django import DjangoAssertNumQueries

from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter, fetch
from tests import cast

# The clock of the tests stands still.
DAYS = count()


@pytest.fixture(autouse=True)
def _forget_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queries of these tests are not the product's."""
    monkeypatch.setattr(CompiledQuery, "known", {})


def people_of(practice: Parameter) -> QuerySet[Client]:
    first_address = EmailAddress.objects.filter(client=OuterRef("pk")).values("address")[:1]
    people = Client.objects.filter(practice=practice).annotate(first_address=Subquery(first_address))
    return people.select_related("practice", "clinician").order_by("sort_key")


@pytest.mark.django_db
@pytest.mark.both_databases
def test_instances_are_those_of_the_queryset_for_each_value(practice: Practice) -> None:
    query = CompiledQuery(people_of)
    other = cast.birch()
    ana, bruno, dora = cast.ana(practice), cast.bruno(practice), cast.dora(other)
    for owner, people in ((practice, [ana, bruno]), (other, [dora]), (practice, [ana, bruno])):
        found = query.rows(practice=owner.pk)
        assert found == people == list(people_of(Value(owner.pk)))  # type: ignore[arg-type]  # As a value.
        assert [person.practice.name for person in found] == [owner.name] * len(people)
        assert [person.created_at for person in found] == [person.created_at for person in people]
        assert found[0].__dict__["first_address"] == people[0].email_addresses.get().address
        assert found[0].clinician is None


@pytest.mark.django_db
@pytest.mark.both_databases
def test_tuples_have_the_values_of_python(practice: Practice) -> None:
    @CompiledQuery
    def made_since(at: Parameter, like: Parameter) -> QuerySet[Client, tuple[str, bool, datetime]]:
        rows = Client.objects.filter(created_at__gte=at, first_name=like).exclude(last_name="100%")
        return rows.values_list("first_name", "is_archived", "created_at")

    ana = cast.ana(practice)
    assert made_since.rows(at=ana.created_at, like="Ana") == [("Ana", False, ana.created_at)]
    assert made_since.first(at=clock.now(), like="Bruno") is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_a_query_that_locks_runs_in_a_transaction_only(practice: Practice) -> None:
    @CompiledQuery
    def locked(name: Parameter) -> QuerySet[Client]:
        return Client.objects.locked().filter(first_name=name)

    ana = cast.ana(practice)
    with transaction.atomic():
        assert locked.rows(name="Ana") == [ana]
    with pytest.raises(TransactionManagementError):
        locked.rows(name="Ana")


@pytest.mark.django_db
def test_a_run_counts_as_one_query(practice: Practice, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    query = CompiledQuery(people_of)
    cast.ana(practice)
    with django_assert_num_queries(1):
        assert query.rows(practice=practice.pk)[0].practice.name == practice.name


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.parametrize(
    "function",
    [
        lambda at: Client.objects.filter(created_at__gt=clock.now() + timedelta(next(DAYS)), sort_key=at),
        lambda at: Client.objects.filter(sort_key=at).annotate(day=TruncDate("created_at")),
        lambda name: Client.objects.filter(sort_key__begins_with=name),
        lambda name: Client.objects.order_by("sort_key"),
        lambda name: Client.objects.filter(sort_key=name).prefetch_related("email_addresses"),
        lambda name: Client.objects.filter(sort_key=name).values("ref"),
    ],
    ids=["now", "time zone", "text", "unused", "prefetch", "dictionaries"],
)
def test_what_depends_on_more_than_values_is_refused(function: Callable[..., QuerySet[Any, Any]]) -> None:
    query = CompiledQuery(function)
    (name,) = query.queryset.__code__.co_varnames
    with pytest.raises(TypeError):
        query.rows(**{name: "Ana"})


@pytest.mark.django_db
def test_none_and_missing_values_are_refused(practice: Practice) -> None:
    query = CompiledQuery(people_of)
    for values in ({"practice": None}, {}, {"practice": practice.pk, "client": 1}):
        with pytest.raises(TypeError, match="practice"):
            query.rows(**values)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_a_statement_survives_a_changed_column(practice: Practice) -> None:
    """PostgreSQL refuses a prepared statement whose columns have other types since: it is prepared again."""
    query = CompiledQuery(people_of)
    ana = cast.ana(practice)
    assert query.rows(practice=practice.pk) == [ana]
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("ALTER TABLE clients_client ALTER COLUMN preferred_name TYPE text")
        assert query.rows(practice=practice.pk) == [ana]
        other.execute("ALTER TABLE clients_client ALTER COLUMN preferred_name TYPE varchar(100)")
        with pytest.raises(NotSupportedError, match="cached plan"), transaction.atomic():
            query.rows(practice=practice.pk)
    assert query.rows(practice=practice.pk) == [ana]


@pytest.mark.django_db
@pytest.mark.postgresql
def test_a_connection_remembers_every_prepared_statement_and_no_other() -> None:
    """psycopg keeps 100 statements, and those of ordinary cursors whole: with the values written into them."""
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '% AS many'"
    for number in range(150):
        fetch(f"SELECT {number} AS many", [])
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s AS others", [f"Ana {number}"])
            cursor.execute(kept)
            assert cursor.fetchone() == (number + 1,)
    assert not [text for text, *_ in connection.connection._prepared._counts if b"Ana" in text]
