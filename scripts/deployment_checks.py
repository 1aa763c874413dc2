"""Runs Django's deployment checks under production settings, and checks for missing migrations."""

import os
import tempfile
from pathlib import Path

from django.core.management import execute_from_command_line

from tests.environment import TEST_ENVIRONMENT


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= TEST_ENVIRONMENT | {
            "DJANGO_SETTINGS_MODULE": "portico.settings",
            "PUBLIC_BASE_URL": "https://portal.example.org",
            "ALLOWED_HOSTS": "portal.example.org",
            "PORTICO_DEMO": "",
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'empty.sqlite3'}",
        }
        execute_from_command_line(["portico", "check", "--deploy", "--fail-level", "WARNING"])
        execute_from_command_line(["portico", "makemigrations", "--check", "--dry-run"])


if __name__ == "__main__":
    main()
