"""Checks that the database has the tables of this release."""

from collections.abc import Iterator
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


def is_up_to_date() -> bool:
    """Returns True if every migration is recorded as applied.

    Compares names only: importing all migrations takes 3 MiB and 50 ms. Raises django.db.Error.
    """
    return MigrationRecorder(connection).applied_migrations().keys() >= set(_migrations())


def _migrations() -> Iterator[tuple[str, str]]:
    """Yields the app's label and the name of each migration."""
    for app in apps.get_app_configs():
        package = find_spec(f"{app.name}.migrations")
        for module in iter_modules(package.submodule_search_locations if package else []):
            if not module.ispkg and module.name[0] not in "_~":  # Django's rule.
                yield app.label, module.name
