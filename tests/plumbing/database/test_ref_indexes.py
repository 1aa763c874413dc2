"""Refs have one index each: they are only looked up whole."""

import pytest
from django.db import connection

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_no_ref_has_a_second_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexdef ~ '\\(ref\\M'")
        definitions = [definition for (definition,) in cursor.fetchall()]
    assert len(definitions) > 20
    assert [each for each in definitions if "UNIQUE" not in each] == []
