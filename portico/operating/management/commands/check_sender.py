"""`portico check-sender`: checks the DNS of EMAIL_FROM's domain; exits with 1 if something is broken."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.maintenance.models import CheckName, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import checking

VERDICTS = {
    Verdict.OK: "OK",
    Verdict.WARN: "could be better",
    Verdict.BROKEN: "broken",
    Verdict.UNKNOWN: "not known",
}


class Command(BaseCommand):
    help = (
        "Checks SPF, DKIM, DMARC and MX of EMAIL_FROM's domain, and stores the results for Settings. Also prints the "
        "result of the last test email that came back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        checking.check_sender()
        rows = SenderCheck.objects.of_domain(checking.sender_domain())
        if options["json"]:
            names = ("name", "verdict", "reason", "host", "found", "wanted")
            self.stdout.write(json.dumps([{name: getattr(row, name) for name in names} for row in rows], indent=2))
        else:
            for row in rows:
                self._print(row)
        if any(row.verdict == Verdict.BROKEN for row in rows):
            sys.exit(1)

    def _print(self, row: SenderCheck) -> None:
        self.stdout.write(f"{row.get_name_display()}: {VERDICTS[Verdict(row.verdict)]}")
        if not row.is_current and row.name != CheckName.TEST_EMAIL:
            self.stdout.write("  The DNS server did not answer now; this is the last known result.")
        if row.name == CheckName.TEST_EMAIL:
            self.stdout.write(f"  Sent: {row.checked_at:%Y-%m-%d %H:%M} UTC")
        if row.verdict != Verdict.OK:
            self.stdout.write(f"  {row.get_reason_display()}")
        for found in row.found.splitlines():
            label = "Stated by" if row.name == CheckName.TEST_EMAIL else "Found at"
            self.stdout.write(f"  {label} {row.host}: {found}")
        if row.wanted:
            self.stdout.write(f"  Add to {row.host}: {row.wanted}")
