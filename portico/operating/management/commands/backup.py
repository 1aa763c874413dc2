"""`portico backup FILE`: copies the whole database into one file while the server runs."""

import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portico.operating.backups import sqlite_copy
from portico.operating.backups.sqlite_copy import NotCopied


class Command(BaseCommand):
    # `make check` runs them; a backup must not depend on them.
    requires_system_checks: list[str] = []
    help = "Copies an SQLite installation to FILE while it is running. For PostgreSQL, use its own tools."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file that does not exist yet")

    def handle(self, *args: str, file: Path, **options: Any) -> None:  # Any: Django's own.
        if connection.vendor != "sqlite":
            raise CommandError(
                "This installation uses PostgreSQL. Back it up with PostgreSQL's tools while it is running: "
                'pg_dump --format=custom --file=FILE "$DATABASE_URL", or a base backup with an archive of the WAL '
                "for any moment in time. See docs/operating.md, Back-up."
            )
        try:
            with closing(sqlite_copy.connect_live(Path(connection.settings_dict["NAME"]))) as original:
                sqlite_copy.copy(original, file)
        except (NotCopied, sqlite3.Error) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Backed up to {file} ({file.stat().st_size:,} bytes). Store SECRET_KEY and FIELD_KEYS separately."
        )
