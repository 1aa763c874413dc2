"""`portico verify-documents`: recomputes the digests and states of documents; exits with 1 if one differs."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.documents.submissions import verification


class Command(BaseCommand):
    help = "Recomputes the digests of versions and completed documents and compares them with the audit log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        problems = list(verification.problems())
        if options["json"]:
            report = {"sound": not problems, "problems": [asdict(each) for each in problems]}
            self.stdout.write(json.dumps(report, indent=2))
        elif not problems:
            self.stdout.write("The documents are unchanged.")
        else:
            for each in problems:
                self.stdout.write(str(each))
        if problems:
            sys.exit(1)
