"""The `portico` command: Django's management commands under their spoken names (create-practice)."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError

from portico.configuration import ConfigurationRefused
from portico.operating import database_words, demo


def main(arguments: list[str] | None = None) -> None:
    """Runs a command.

    A wrong environment ends it with one sentence per setting instead of a traceback, a database that is not there or
    not up to date with one.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
    program, *rest = arguments or sys.argv
    if rest[:1] == ["demo"]:  # It brings its own environment, so it comes before settings are read.
        sys.exit(demo.main(rest[1:]))
    try:
        execute_from_command_line([program, *spoken(rest)])
    except ConfigurationRefused as refused:
        sys.stderr.write("".join(["Portico cannot start:\n", *(f"  {problem}\n" for problem in refused.problems)]))
        sys.exit(2)
    except (DatabaseError, InterfaceError) as error:
        told = database_words.sentence(error)
        if not told or "--traceback" in rest:
            raise
        sys.stderr.write(f"{told}\n")
        sys.exit(1)


def spoken(arguments: list[str]) -> list[str]:
    """Turns the command's hyphens into underscores, since a Python module cannot be named with hyphens."""
    if not arguments or arguments[0].startswith("-"):
        return arguments
    command, *rest = arguments
    if command == "help" and rest:
        return [command, *spoken(rest)]
    return [command.replace("-", "_"), *rest]
