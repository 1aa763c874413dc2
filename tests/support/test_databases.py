"""A run stands on the database it names, and on no other."""

import pytest
from django.db import connection

from tests.support import databases

pytestmark = pytest.mark.django_db


def test_the_tests_run_on_the_database_that_was_chosen() -> None:
    assert connection.vendor == databases.chosen()


@pytest.mark.postgresql
def test_what_only_postgresql_shows_runs_there() -> None:
    assert connection.vendor == "postgresql"


@pytest.mark.sqlite
def test_what_concerns_sqlite_runs_there() -> None:
    assert connection.vendor == "sqlite"
