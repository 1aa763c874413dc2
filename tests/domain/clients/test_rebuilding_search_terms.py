"""The migration of search terms: clients are found by the current rules, and nothing else changes."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from portico.domain.clients import search_terms
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, SearchTerm
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

migration = import_module("portico.domain.clients.migrations.0002_rebuild_search_terms")
pytestmark = pytest.mark.django_db


def insert_old_terms(person: Client, *terms: str) -> None:
    """Stores the terms and sort key that an earlier version wrote."""
    person.search_terms.all().delete()
    SearchTerm.objects.bulk_create(SearchTerm(practice=person.practice, client=person, term=term) for term in terms)
    Client.objects.filter(pk=person.pk).update(sort_key=person.name.lower())


def rebuild() -> None:
    migration.rebuild(apps, connection.schema_editor())


def terms() -> set[tuple[int, str]]:
    return set(SearchTerm.objects.values_list("client_id", "term"))


def test_old_clients_are_found_after_the_migration(practice: Practice) -> None:
    lukasz = cast.client(practice, "Łukasz", "O’Brien", address="l.obrien@mail.example", phone="+12125550134")
    insert_old_terms(lukasz, "łukasz", "o", "brien", "l.obrien@mail.example", "12125550134", "2125550134")

    rebuild()

    for query in ("lukasz", "obrien", "0134", "obrien@mail"):
        assert search_terms.matching(practice, query).get() == lukasz, query
    lukasz.refresh_from_db()
    assert lukasz.sort_key == "lukasz o'brien"


def test_the_migration_writes_the_same_terms_as_saving(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    people = [
        *(cast.ana(practice), cast.bruno(practice), cast.bea(practice)),
        *(cast.carol(practice), cast.dora(cast.birch()), cast.client(practice, "明", phone="+442079460958")),
    ]
    ana = people[0]
    EmailAddress.objects.create(
        practice=practice, client=ana, address="old@mail.example", mailbox_key="old@mail.example", closed_at=clock.now()
    )
    wanted, rows = terms(), (Client.objects.count(), EmailAddress.objects.count(), PhoneNumber.objects.count())
    for person in people:
        insert_old_terms(person, person.first_name.lower())

    rebuild()

    assert terms() == wanted
    assert (Client.objects.count(), EmailAddress.objects.count(), PhoneNumber.objects.count()) == rows


def test_repeating_the_migration_rewrites_no_row(practice: Practice) -> None:
    cast.ana(practice)
    before = set(SearchTerm.objects.values_list("pk", "term"))

    rebuild()

    assert set(SearchTerm.objects.values_list("pk", "term")) == before
