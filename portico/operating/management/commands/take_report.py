"""`portico take-report`: stores the delivery report in one mail from standard input, for a mail server's pipe."""

import os
import sys
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from portico.operating import command_runner
from portico.plumbing.mail.reports import report_mailbox, report_parsing

DISCARD_BYTES = 64 * 1024


class Command(BaseCommand):
    # `make check` runs them; here they would load all views for each report.
    requires_system_checks: list[str] = []
    help = (
        "Reads one mail from standard input and stores the delivery report in it. Exits with 0 for any mail, also one "
        "that is no report, and with 75 while the database is away, so that the mail server tries again."
    )

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        raw = _read_all(sys.stdin.buffer)
        try:
            report_mailbox.receive(raw)
        except (DatabaseError, InterfaceError) as error:
            description = command_runner.describe(error)
            if not description:
                raise
            raise CommandError(description, returncode=os.EX_TEMPFAIL) from error


def _read_all(pipe: BinaryIO) -> bytes:
    """Returns the beginning of the mail. Reads on to its end: a mail server takes a closed pipe for a failure."""
    raw = pipe.read(report_parsing.MAX_BYTES)
    while pipe.read(DISCARD_BYTES):
        pass
    return raw
