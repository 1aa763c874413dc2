"""Every change of a row is recorded with its table, and nothing is that was only read."""

import pytest
from django.db import connection

from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.database import written_tables

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_tables_that_are_written_are_recorded(practice: Practice) -> None:
    with written_tables.recorded() as written:
        ana = cast.ana(practice)
    assert {type(ana), AuditEntry} <= written
    assert Practice not in written


@pytest.mark.parametrize("change", ["UPDATE {} SET name = 'x'", "DELETE FROM {} WHERE id = 0"])
def test_statements_of_our_own_are_recorded(practice: Practice, change: str) -> None:
    with written_tables.recorded() as written, connection.cursor() as cursor:
        cursor.execute(change.format(Practice._meta.db_table))
    assert written == {Practice}


def test_rows_that_are_read_are_not_recorded(practice: Practice) -> None:
    with written_tables.recorded() as written:
        assert Practice.objects.get() == practice
    assert written == set()
