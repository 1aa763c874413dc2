"""`portico reset-second-factor EMAIL`: for a last owner who has lost every second factor."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portico.domain.practices.models import StaffMember
from portico.domain.practices.staff import second_factor
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    help = "Resets a staff member's two-step verification. They set it up again at the next sign-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        member = StaffMember.objects.active().filter(email=options["email"].strip().lower()).first()
        if member is None:
            raise CommandError("No active staff member has this address.")
        second_factor.remove_all(member, by=Actor.operator())
        self.stdout.write(
            "Two-step verification was reset. The staff member was signed out everywhere and notified by email. "
            "They set it up again at the next sign-in."
        )
