"""The check that the database has the tables of this release."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from portico.plumbing.database import schema_state

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_each_missing_migration_counts() -> None:
    assert schema_state.is_up_to_date()
    recorder = MigrationRecorder(connection)
    for app, name in MigrationLoader(None).disk_migrations:
        recorder.record_unapplied(app, name)
        assert not schema_state.is_up_to_date(), (app, name)
        recorder.record_applied(app, name)
