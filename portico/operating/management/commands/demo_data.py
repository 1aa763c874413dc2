"""`portico demo-data`: fills the empty database of `portico demo`, which runs it once."""

import logging
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from portico.operating.demo import demo_data


class Command(BaseCommand):
    # `make check` runs them; here they would load all views.
    requires_system_checks: list[str] = []
    help = "Creates the demo practice. Requires PORTICO_DEMO=1 and an empty database."

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        if not settings.DEMO:
            raise CommandError("Demo data can only be created with PORTICO_DEMO=1.")
        if connection.introspection.table_names():
            raise CommandError("The database is not empty. Demo data can only be created in an empty database.")
        logging.getLogger("portico").setLevel(logging.WARNING)  # Its events would only clutter the output.
        create(connection)
        demo_data.create_demo_data()


def create(connection: BaseDatabaseWrapper) -> None:
    """Creates the tables of today's models and records all migrations as applied.

    Running the migrations one after the other takes ten times as long.
    """
    with connection.schema_editor() as editor:
        for model in apps.get_models():
            editor.create_model(model)
        # Last, since they refer to the unique constraints of other tables.
        editor.deferred_sql.sort(key=lambda statement: "FOREIGN KEY" in str(statement))
    executor = MigrationExecutor(connection)
    for app, name in executor.loader.graph.nodes:
        executor.recorder.record_applied(app, name)
