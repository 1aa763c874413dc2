"""The `portico` command: Django's management commands under their spoken names (create-practice)."""

import base64
import os
import sys
from io import TextIOWrapper

from django.core.management import execute_from_command_line
from django.db import DatabaseError, InterfaceError

from portico.configuration import LEAST_KEY_LENGTH, WHOLE_SECONDS, ConfigurationRefused
from portico.operating import database_errors
from portico.operating.demo import demo_command

# What settings are loaded with when only help is printed. Nothing is connected to.
PLACEHOLDERS = {
    "PUBLIC_BASE_URL": "http://localhost",
    "ALLOWED_HOSTS": "",
    "SECRET_KEY": "only-for-printing-help-" + "-" * LEAST_KEY_LENGTH,
    "SECRET_KEY_FALLBACKS": "",
    "FIELD_KEYS": "help:" + base64.b64encode(bytes(32)).decode(),
    "DATABASE_URL": "postgres://localhost/portico",
    "EMAIL_URL": "smtp://localhost",
    "EMAIL_FROM": "help@portico.example",
    "STRIPE_API_BASE": "",
    "ALLOW_TEST_ENDPOINTS": "0",
    "TRUSTED_PROXY_COUNT": "0",
    "PORTICO_DEMO": "0",
    **{name: str(default) for name, (default, _least, _most) in WHOLE_SECONDS.items()},
}


def main(arguments: list[str] | None = None) -> None:
    """Runs a command.

    A wrong environment ends it with one sentence per setting instead of a traceback, a database that is not there or
    not up to date with one.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
    program, *rest = arguments or sys.argv
    write_in_any_locale()
    if rest == ["help", "demo"]:
        rest = ["demo", "--help"]
    if rest[:1] == ["demo"]:  # It brings its own environment, so it comes before settings are read.
        sys.exit(demo_command.main(rest[1:]))
    if asks_for_help(rest):
        os.environ.update(PLACEHOLDERS)
    try:
        execute_from_command_line([program, *spoken(rest)])
    except ConfigurationRefused as refused:
        sys.stderr.write("".join(["Portico cannot start:\n", *(f"  {problem}\n" for problem in refused.problems)]))
        sys.exit(2)
    except (DatabaseError, InterfaceError) as error:
        told = database_errors.describe(error)
        if not told or "--traceback" in rest:
            raise
        sys.stderr.write(f"{told}\n")
        sys.exit(1)


def asks_for_help(arguments: list[str]) -> bool:
    """Whether nothing but a text is to be printed, for which no settings are needed."""
    return not arguments or arguments[0] in {"help", "version"} or bool({"-h", "--help", "--version"} & {*arguments})


def write_in_any_locale() -> None:
    """Writes a character that the terminal's locale does not have as its code, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def spoken(arguments: list[str]) -> list[str]:
    """Turns the command's hyphens into underscores, since a Python module cannot be named with hyphens."""
    if not arguments or arguments[0].startswith("-"):
        return arguments
    command, *rest = arguments
    if command == "help" and rest:
        return [command, *spoken(rest)]
    return [command.replace("-", "_"), *rest]
