"""`portico routes`: lists every URL and the roles that may open it."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portico.web import route_list
from portico.web.route_list import Route


class Command(BaseCommand):
    help = "Lists every address with its name and the roles that can open it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        routes = route_list.all_routes()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(route) for route in routes], indent=2))
            return
        for route in routes:
            self.stdout.write(f"{route.path:<60} {' '.join(route.methods):<16} {_roles_of(route)}")


def _roles_of(route: Route) -> str:
    if not route.roles:
        return route.audience
    roles = f"{route.audience} ({', '.join(route.roles)})"
    return f"{roles}; POST: {', '.join(route.writers)}" if route.writers not in {(), route.roles} else roles
