"""`portico verify-ledger`: recomputes the ledger; exits with 1 if a stored amount differs."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.billing.ledger import verification


class Command(BaseCommand):
    help = "Recomputes every invoice, payment and balance and compares them with the stored values."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        mismatches, counts = list(verification.mismatches()), verification.counts()
        if options["json"]:
            report = {"sound": not mismatches, **counts, "mismatches": [asdict(each) for each in mismatches]}
            self.stdout.write(json.dumps(report, indent=2))
        elif not mismatches:
            self.stdout.write(f"The ledger is correct: {counts['invoices']} invoices, {counts['payments']} payments.")
        else:
            for each in mismatches:
                self.stdout.write(f"{each.about}: {each.rule}; stored {each.stored}, computed {each.computed}")
        if mismatches:
            sys.exit(1)
