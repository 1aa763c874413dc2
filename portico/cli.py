"""The `portico` command: Django's management commands, with hyphens in their names (create-practice)."""

import base64
import os
import sys
from importlib import metadata
from io import TextIOWrapper

from portico.configuration import MIN_KEY_LENGTH, WHOLE_SECONDS
from portico.operating.demo import demo_command

# The environment for printing help only; no connection is made.
PLACEHOLDERS = {
    "PUBLIC_BASE_URL": "http://localhost",
    "ALLOWED_HOSTS": "",
    "SECRET_KEY": "only-for-printing-help-" + "-" * MIN_KEY_LENGTH,
    "SECRET_KEY_FALLBACKS": "",
    "FIELD_KEYS": "help:" + base64.b64encode(bytes(32)).decode(),
    "DATABASE_URL": "postgres://localhost/portico",
    "EMAIL_URL": "smtp://localhost",
    "EMAIL_FROM": "help@portico.example",
    "EMAIL_RETURN_PATH": "",
    "REPORT_MAILBOX_URL": "",
    "EMAIL_HOOK_SECRET": "",
    "DKIM_SELECTOR": "",
    "AUTHSERV_ID": "",
    "DNS_SERVER": "",
    "CLAMD_URL": "",
    "STRIPE_API_BASE": "",
    "ALLOW_TEST_ENDPOINTS": "0",
    "TRUSTED_PROXY_COUNT": "0",
    "PORTICO_DEMO": "0",
    "PORTICO_DEMO_GUIDE": "",
    **{name: str(default) for name, (default, _min, _max) in WHOLE_SECONDS.items()},
}


def main(arguments: list[str] | None = None) -> None:
    """Runs a command: the demo without loading Django, all others as Django's management commands."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portico.settings")
    program, *rest = arguments or sys.argv
    escape_unencodable_output()
    if rest == ["help", "demo"]:
        rest = ["demo", "--help"]
    if rest[:1] == ["demo"]:  # It sets its own environment, so it runs before settings are read.
        sys.exit(demo_command.main(rest[1:]))
    if rest == ["version"] or "--version" in rest:
        sys.stdout.write(f"{metadata.version('portico')}\n")
        return
    if is_help(rest):
        os.environ.update(PLACEHOLDERS)
    from portico.operating import command_runner  # noqa: PLC0415 - The demo does without Django.

    if rest in ([], ["help"], ["-h"], ["--help"]):
        sys.stdout.write(command_runner.command_list())
        return
    command_runner.run(program, with_underscores(rest))


def is_help(arguments: list[str]) -> bool:
    """Returns True if the command only prints help, which needs no settings."""
    return not arguments or arguments[0] == "help" or bool({"-h", "--help"} & {*arguments})


def escape_unencodable_output() -> None:
    """Makes output escape characters that the locale's encoding lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def with_underscores(arguments: list[str]) -> list[str]:
    """Replaces the hyphens in the command's name by underscores, as in the name of its module."""
    if not arguments or arguments[0].startswith("-"):
        return arguments
    command, *rest = arguments
    if command == "help" and rest:
        return [command, *with_underscores(rest)]
    return [command.replace("-", "_"), *rest]
