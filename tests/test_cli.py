"""The command `portico` itself: help needs no settings, and no locale stops it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portico import cli, configuration

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent
BARE = {"PATH": os.defpath}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "portico", *arguments],
        cwd=ROOT, env=BARE | environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.real_processes
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), b"create_practice"),
        (("--help",), b"create_practice"),
        (("create-practice", "--help"), b"--time-zone"),
        (("web", "--port", "80", "-h"), b"--workers"),
        (("help", "send-test-email"), b"address"),
        (("help", "demo"), b"--reset"),
        (("demo", "-h"), b"--reset"),
    ],
)
def test_help_needs_no_settings(arguments: tuple[str, ...], words: bytes) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    assert words in done.stdout


@pytest.mark.real_processes
def test_help_is_printed_beside_wrong_settings_too() -> None:
    done = run("worker", "--help", PUBLIC_BASE_URL="nonsense", DATABASE_URL="sqlite:////of-nobody/x", PORTICO_DEMO="9")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.real_processes
def test_a_locale_that_lacks_a_letter_ends_no_command() -> None:
    done = run("help", "demo", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    done = run("migrate", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 2
    assert b"EMAIL_URL is missing" in done.stderr


@pytest.mark.parametrize("arguments", [["web"], ["worker"], ["create-practice", "--name", "help"], ["seed", "help"]])
def test_a_command_that_does_something_reads_its_settings(arguments: list[str]) -> None:
    assert not cli.is_help(arguments)


def test_what_stands_in_for_settings_is_complete() -> None:
    assert configuration.read(cli.PLACEHOLDERS).demo is False
