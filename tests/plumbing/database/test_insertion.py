"""Inserts of rows: they are stored as Django stores them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.database import insertion
from portico.plumbing.database.base_models import Row
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def saved(row: Row) -> None:
    row.save(force_insert=True)


def entry(practice: Practice) -> Row:
    columns = {"practice": practice, "client": None, "about": "100 % of %s", "at": clock.now(), "staff_id": 5}
    return AuditEntry(**columns, action="a", actor_kind="staff", actor_name="Éva", details={"é": [1, None, "%s"]})


def email(practice: Practice) -> Row:
    client, unique = cast.ana(practice), tokens.new_ref()
    columns = {"practice": practice, "client": client, "key": unique, "message_id": unique, "content": {"blocks": []}}
    return OutgoingEmail(**columns, kind="k", to_address="a@mail.example", link_nonce=b"\x00\xff", subject="S")


@pytest.mark.parametrize("make", [entry, email])
def test_a_row_is_stored_as_django_stores_it(practice: Practice, make: Callable[[Practice], Row]) -> None:
    stored = []
    for insert in (saved, insertion.insert):
        row = make(practice)
        insert(row)
        assert not row._state.adding
        stored.append(columns_of(type(row)._base_manager.get(pk=row.pk)))
    assert stored[0] == stored[1]


def test_several_rows_are_stored(practice: Practice) -> None:
    insertion.insert_all([entry(practice), entry(practice)])
    insertion.insert_all([])
    assert AuditEntry.objects.count() == 2


def test_a_row_that_breaks_a_constraint_is_refused(practice: Practice) -> None:
    row = entry(practice)
    insertion.insert(row)
    row.id = None  # As if it were new.
    with pytest.raises(IntegrityError):
        insertion.insert(row)


def columns_of(row: Row) -> dict[str, Any]:  # Any: columns of any type.
    unique = {"id", "ref", "key", "message_id", "client_id", "_state"}
    return {
        name: bytes(value) if name == "link_nonce" else value for name, value in vars(row).items() if name not in unique
    }
