"""`portico suspend-practice`: suspends the pages and emails of a practice from the next request on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.practices import suspension
from portico.operating import practice_lookup
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    help = "Suspends a practice: its pages show a notice and emails wait. Payments in progress still complete."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="as in the portal's address: alder-street")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        practice = suspension.suspend(practice_lookup.get_practice(options["slug"]), by=Actor.operator())
        self.stdout.write(f"{practice.name} is suspended. To undo it, run `portico resume-practice {practice.slug}`.")
