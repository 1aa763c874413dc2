"""`portico demo-data`: fills the empty database of `portico demo`, which runs it once."""

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portico.operating.demo import demo_data, demo_schema


class Command(BaseCommand):
    # `make check` runs them; here they would load all views.
    requires_system_checks: list[str] = []
    help = "Makes the demo's practice. Only under PORTICO_DEMO=1 and in a database without tables."

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        if not settings.DEMO:
            raise CommandError("The demo's people are for the demo only: PORTICO_DEMO is not 1.")
        if connection.introspection.table_names():
            raise CommandError("There are tables already; the demo's people go into an empty database.")
        logging.getLogger("portico").setLevel(logging.WARNING)  # Its events would only clutter the output.
        demo_schema.create(connection)
        demo_data.create_demo_data()
