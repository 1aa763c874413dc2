"""`portico after-restore`: ends sessions and links, and parks emails, in a restored database."""

from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.maintenance import after_restore
from portico.operating.backups import restore_summary
from portico.operating.management.commands.worker import refuse_old_database
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    # `make check` runs them; here they would load all views before the first request.
    requires_system_checks: list[str] = []
    help = (
        "Run after restoring a database with PostgreSQL's tools and before starting the worker. Ends links, codes, "
        "PINs and sessions and puts waiting emails on hold. `portico restore` does this automatically."
    )

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        refuse_old_database()
        for line in restore_summary.summary_lines(after_restore.after_restore(by=Actor.operator())):
            self.stdout.write(line)
        self.stdout.write(restore_summary.NEXT)
        for warning in restore_summary.missing_key_warnings():
            self.stderr.write(warning)
