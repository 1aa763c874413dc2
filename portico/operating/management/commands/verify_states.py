"""`portico verify-states`: recomputes the portal state of every client; exits with 1 if a stored one differs."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.access import portal_states
from portico.domain.clients.models import Client


class Command(BaseCommand):
    help = "Recomputes every client's portal state and compares it with the stored state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        mismatches = list(portal_states.mismatches())
        if options["json"]:
            report = {"clients": Client.objects.count(), "mismatches": [asdict(each) for each in mismatches]}
            self.stdout.write(json.dumps(report, indent=2))
        elif not mismatches:
            self.stdout.write(f"All {Client.objects.count()} stored states are correct.")
        else:
            for each in mismatches:
                self.stdout.write(f"Client {each.client_ref}: stored {each.stored}, computed {each.computed}")
        if mismatches:
            sys.exit(1)
