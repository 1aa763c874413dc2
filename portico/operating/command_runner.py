"""Runs Django's management commands, ours among them."""

import os
import re
import sys

import django
from django.core.management import execute_from_command_line, get_commands
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from portico.configuration import ConfigurationRefused


def run(program: str, arguments: list[str]) -> None:
    """Runs a command.

    Prints one sentence per setting for an invalid environment, and one for a database that is unavailable or not
    migrated, instead of a traceback.
    """
    try:
        execute_from_command_line([program, *arguments])
    except ConfigurationRefused as refused:
        sys.stderr.write("".join(["Portico cannot start:\n", *(f"  {problem}\n" for problem in refused.problems)]))
        # After any other code a mail server would give the report up.
        sys.exit(os.EX_TEMPFAIL if arguments[:1] == ["take_report"] else 2)
    except (DatabaseError, InterfaceError) as error:
        description = describe(error)
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


# SQLite: "no such table: …"; PostgreSQL: "relation "…" does not exist".
_NO_TABLES = re.compile(r"no such (?:table|column)|(?:relation|column) .* does not exist")
_REASON = re.compile(r"(?:FATAL|ERROR): +(.+)")


def describe(error: DatabaseError | InterfaceError) -> str:
    """Returns a sentence for the operator, or "" for a bug of ours, whose traceback must be shown."""
    if _NO_TABLES.search(str(error)):
        return "The database is not up to date. Run `portico migrate` first."
    if isinstance(error, ProgrammingError) or not isinstance(error, OperationalError | InterfaceError):
        return ""
    return f"Portico cannot work with the database that DATABASE_URL names: {_reason(error)}."


def _reason(error: DatabaseError | InterfaceError) -> str:
    """Returns the database's own message."""
    text = str(error)
    reason = _REASON.search(text)
    line = reason[1] if reason else text.strip().partition("\n")[0]
    return line.rstrip(". ")
