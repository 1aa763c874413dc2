"""`portico after-restore`: shuts what was open in a database that came back from a backup."""

from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.upkeep import restoring
from portico.operating import restored_words
from portico.operating.management.commands.worker import refuse_old_database
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    # Those of `make check`; they would load every page before the first is asked for.
    requires_system_checks: list[str] = []
    help = (
        "After a database was restored by PostgreSQL's own tools, before the worker starts: ends links, codes, PINs "
        "and sessions, parks mails that wait. `portico restore` does it by itself."
    )

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        refuse_old_database()
        for line in restored_words.lines(restoring.after_restore(by=Actor.operator())):
            self.stdout.write(line)
        self.stdout.write(restored_words.NEXT)
        for warning in restored_words.warnings():
            self.stderr.write(warning)
