"""`portico restore FILE`: replaces this installation's database with a backup."""

import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portico.operating.backups import restore_summary, sqlite_restore
from portico.operating.backups.sqlite_copy import NotCopied
from portico.operating.backups.sqlite_restore import NotRestored
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    # `make check` runs them; here they would load all views before the first request.
    requires_system_checks: list[str] = []
    help = "Restores a backup made by `portico backup` to DATABASE_URL, migrates it and ends all sessions and links."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file created by `portico backup`")
        parser.add_argument("--replace", action="store_true", help="replace a database; it is renamed and kept")

    def handle(self, *args: str, file: Path, replace: bool, **options: Any) -> None:  # Any: Django's own.
        if connection.vendor != "sqlite":
            raise CommandError(
                "This installation uses PostgreSQL. Restore it with PostgreSQL's tools (pg_restore --no-owner "
                "--dbname=… FILE, or a base backup and the WAL), then run portico migrate and portico after-restore."
            )
        database = Path(connection.settings_dict["NAME"])
        try:
            restored = sqlite_restore.restore(file, database, replace=replace, by=Actor.operator())
        except (NotRestored, NotCopied, sqlite3.Error, OSError) as error:
            raise CommandError(f"Nothing was restored. {error}") from error
        for line in restore_summary.summary_lines(restored.practices):
            self.stdout.write(line)
        if restored.set_aside is not None:
            self.stdout.write(f"The previous database was moved to {restored.set_aside}.")
        self.stdout.write(f"Restored {file} to {database}. {restore_summary.NEXT}")
        for warning in restore_summary.missing_key_warnings():
            self.stderr.write(warning)
