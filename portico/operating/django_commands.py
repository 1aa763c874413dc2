"""Runs Django's management commands, ours among them."""

import sys

import django
from django.core.management import execute_from_command_line, get_commands
from django.db import DatabaseError, InterfaceError

from portico.configuration import ConfigurationRefused
from portico.operating import database_errors


def run(program: str, arguments: list[str]) -> None:
    """Runs a command.

    Prints one sentence per setting for an invalid environment, and one for a database that is unavailable or not
    migrated, instead of a traceback.
    """
    try:
        execute_from_command_line([program, *arguments])
    except ConfigurationRefused as refused:
        sys.stderr.write("".join(["Portico cannot start:\n", *(f"  {problem}\n" for problem in refused.problems)]))
        sys.exit(2)
    except (DatabaseError, InterfaceError) as error:
        description = database_errors.describe(error)
        if not description or "--traceback" in arguments:
            raise
        sys.stderr.write(f"{description}\n")
        sys.exit(1)


def command_list() -> str:
    """Returns the list of all commands as they are typed: Portico's own, then those of Django and its apps."""
    django.setup()
    commands = get_commands()
    own = {"demo", *(name for name, app in commands.items() if app == "portico.operating")}
    parts = ["Type 'portico help <command>' for help on one command.\n"]
    for heading, names in (("Commands", own), ("Commands of Django", commands.keys() - own)):
        parts.append(f"\n{heading}:\n")
        parts += [f"    {name.replace('_', '-')}\n" for name in sorted(names)]
    return "".join(parts)
