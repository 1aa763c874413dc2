"""`portico create-practice`: a practice, its owner, and the owner's set-up link."""

import json
from argparse import ArgumentParser
from typing import Any

from babel.numbers import list_currencies
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portico.domain.practices import practice_creation
from portico.domain.practices.staff import set_up_links
from portico.operating import absolute_urls
from portico.plumbing.actors import Actor
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import clean_line, is_unstorable


class Command(BaseCommand):
    help = "Creates a practice and prints the link (72 hours, once) by which its owner chooses a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True, help="in the portal's address, for good: alder-street")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", required=True, help="such as America/New_York")
        parser.add_argument("--currency", required=True, help="such as USD")
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--owner-name", required=True)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        currency = options["currency"]
        if currency not in list_currencies():
            raise CommandError(f"{currency!r} is not a currency. Use a code such as USD or EUR.")
        try:
            founded = practice_creation.create_practice(
                slug=options["slug"],
                name=_line("--name", options["name"]),
                time_zone=options["time_zone"],
                currency=currency,
                owner_email=options["owner_email"],
                owner_name=_line("--owner-name", options["owner_name"]),
                by=Actor.operator(),
            )
        except ValidationError as error:
            raise CommandError(_sentences(error)) from error
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        told = {
            "slug": founded.practice.slug,
            "portal": founded.practice.portal_address,
            "office": absolute_urls.absolute_url("office:home"),
            "setup": set_up_links.url_of(founded.set_up_token),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=2))
            return
        self.stdout.write(f"{founded.practice.name} is there.")
        self.stdout.write(f"  Portal for clients  {told['portal']}")
        self.stdout.write(f"  Office for staff    {told['office']}")
        self.stdout.write(f"Give {founded.owner.name} this link; it works for 72 hours, once:\n  {told['setup']}")


def _line(option: str, text: str) -> str:
    cleaned = "" if is_unstorable(text) else clean_line(text)
    if not cleaned:
        raise CommandError(f"{option} must be a name.")
    return cleaned


def _sentences(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    named = error.message_dict.items()
    return " ".join(f"{name.replace('_', ' ').capitalize()}: {' '.join(messages)}" for name, messages in named)
