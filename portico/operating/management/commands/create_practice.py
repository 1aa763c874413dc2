"""`portico create-practice`: creates a practice and its owner, and prints the owner's set-up link."""

import json
from argparse import ArgumentParser
from typing import Any

from babel.numbers import list_currencies
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from portico.domain.documents.templates import starter_set
from portico.domain.practices import practice_creation
from portico.domain.practices.models import SET_UP_LINK_TTL
from portico.domain.practices.staff import set_up_links
from portico.operating import output_urls
from portico.plumbing.actors import Actor
from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import clean_line, is_unstorable


class Command(BaseCommand):
    help = "Creates a practice and prints a one-time link for the owner to choose a password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True, help="part of the portal's address, fixed: alder-street")
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
            created = practice_creation.create_practice(
                slug=options["slug"],
                name=_line("--name", options["name"]),
                time_zone=options["time_zone"],
                currency=currency,
                owner_email=options["owner_email"],
                owner_name=_line("--owner-name", options["owner_name"]),
                by=Actor.operator(),
            )
            starter_set.add(created.practice, by=Actor.operator())
        except ValidationError as error:
            raise CommandError(_sentences(error)) from error
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        summary = {
            "slug": created.practice.slug,
            "portal": created.practice.portal_address,
            "office": output_urls.absolute_url("office:home"),
            "setup": set_up_links.url_of(created.set_up_token),
        }
        if options["json"]:
            self.stdout.write(json.dumps(summary, indent=2))
            return
        self.stdout.write(f"Created {created.practice.name}.")
        self.stdout.write(f"  Portal for clients  {summary['portal']}")
        self.stdout.write(f"  Office for staff    {summary['office']}")
        works_for = rendering.duration(SET_UP_LINK_TTL)
        self.stdout.write(
            f"Send {created.owner.name} this link. It works once, within {works_for}:\n  {summary['setup']}"
        )


def _line(option: str, text: str) -> str:
    """Returns the text cleaned. Raises CommandError if nothing is left."""
    cleaned = "" if is_unstorable(text) else clean_line(text)
    if not cleaned:
        raise CommandError(f"{option} must be a name.")
    return cleaned


def _sentences(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    named = error.message_dict.items()
    return " ".join(f"{name.replace('_', ' ').capitalize()}: {' '.join(messages)}" for name, messages in named)
