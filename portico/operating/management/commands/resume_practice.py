"""`portico resume-practice`: ends the suspension of a practice; waiting emails are sent."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.practices import suspension
from portico.operating import practice_lookup
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    help = "Reactivates a suspended practice. Waiting emails are sent unless their links have expired."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="as in the portal's address: alder-street")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        practice = suspension.resume(practice_lookup.get_practice(options["slug"]), by=Actor.operator())
        self.stdout.write(f"{practice.name} is active again.")
