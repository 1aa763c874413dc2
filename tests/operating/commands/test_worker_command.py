"""`portico worker` refuses a database that is not migrated, and waits for one that is down."""

import pytest
from django.core.management import CommandError
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from portico.operating.management.commands import worker


@pytest.mark.django_db
def test_a_migrated_database_is_accepted() -> None:
    worker.refuse_old_database()


@pytest.mark.django_db
def test_a_database_with_missing_migrations_is_refused() -> None:
    MigrationRecorder(connection).record_unapplied("account", "0001_initial")
    with pytest.raises(CommandError, match="Run `portico migrate` first"):
        worker.refuse_old_database()


@pytest.mark.django_db
def test_a_database_that_is_down_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", away)
    worker.refuse_old_database()
