"""`portico seed FILE`: loads practices, staff, clients, contacts and invoices; repeating it changes nothing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import webhook_setup
from portico.operating import output_urls
from portico.operating.seeding import file_format, loading
from portico.operating.seeding.field_reader import SeedRefused
from portico.operating.seeding.loading import Loaded
from portico.plumbing.actors import Actor


class Command(BaseCommand):
    help = "Loads practices, staff and clients from a JSON file (docs/operating.md). Keeps existing records."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print every ref and address as JSON")

    def handle(self, *args: str, file: Path, **options: Any) -> None:  # Any: Django's own.
        try:
            wanted = file_format.read(json.loads(file.read_text(encoding="utf-8")))
            loaded = loading.load(wanted, by=Actor.operator())
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        except SeedRefused as refusal:
            raise CommandError(f"Nothing was loaded: {refusal}") from refusal
        if options["json"]:
            # Unknown keys are refused, so nothing is ever left out.
            report = {"practices": [_practice_report(each) for each in loaded], "not_loaded": []}
            self.stdout.write(json.dumps(report, indent=2))
            return
        for each in loaded:
            people = f"{len(each.staff)} staff, {len(each.clients)} clients"
            self.stdout.write(f"{each.practice.name}: {people}, {each.practice.portal_address}")


def _practice_report(loaded: Loaded) -> dict[str, Any]:  # Any: JSON.
    return {
        "slug": loaded.practice.slug,
        "portal": loaded.practice.portal_address,
        "office": output_urls.absolute_url("office:home"),
        "webhook": webhook_setup.url_of(loaded.practice),
        "staff": [{"ref": ref, "email": member.email} for ref, member in loaded.staff.items()],
        "clients": [_client_report(ref, client, loaded) for ref, client in loaded.clients.items()],
    }


def _client_report(seed_ref: str, client: Client, loaded: Loaded) -> dict[str, Any]:  # Any: JSON.
    return {
        "ref": seed_ref,
        "id": client.ref,
        "overview": output_urls.absolute_url("office:client", client.ref),
        "client_info": output_urls.absolute_url("office:client_info", client.ref),
        "client_portal": output_urls.absolute_url("office:client_portal", client.ref),
        "contacts": [
            {
                "ref": ref,
                "id": relationship.ref,
                "contact": output_urls.absolute_url("office:contact", client.ref, relationship.ref),
                "client_portal": output_urls.absolute_url("office:client_portal", client.ref)
                + f"?access={relationship.ref}",
            }
            for ref, relationship in loaded.contacts[seed_ref].items()
        ],
        "invoices": [
            {
                "seed_ref": ref,
                "ref": invoice.ref,
                "number": invoice.number,
                "office": output_urls.absolute_url("office:invoice", invoice.ref),
                "portal": output_urls.absolute_url("portal:invoice", loaded.practice.slug, invoice.ref),
            }
            for ref, invoice in loaded.invoices[seed_ref].items()
        ],
    }
