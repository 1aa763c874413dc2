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
        "After a database was restored by PostgreSQL's own tools, before the worker starts: ends links, codes, PINs "
        "and sessions, parks mails that wait. `portico restore` does it by itself."
    )

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        refuse_old_database()
        for line in restore_summary.summary_lines(after_restore.after_restore(by=Actor.operator())):
            self.stdout.write(line)
        self.stdout.write(restore_summary.NEXT)
        for warning in restore_summary.missing_key_warnings():
            self.stderr.write(warning)
