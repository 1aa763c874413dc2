"""The command `portico`: help without settings, and output in any locale."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from portico import cli, configuration
from portico.operating import command_runner

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
        ((), b"    create-practice\n    demo\n"),
        (("--help",), b"    create-practice\n    demo\n"),
        (("help",), b"    reset-second-factor"),
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
@pytest.mark.parametrize("arguments", [("version",), ("--version",), ("web", "--version")])
def test_version_is_that_of_portico(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout.decode().strip()) == (0, metadata.version("portico"))


def test_list_of_commands_has_no_underscores() -> None:
    assert "_" not in command_runner.command_list()


@pytest.mark.real_processes
def test_help_is_printed_despite_invalid_settings() -> None:
    done = run("worker", "--help", PUBLIC_BASE_URL="nonsense", DATABASE_URL="sqlite:////missing/x", PORTICO_DEMO="9")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.real_processes
def test_unencodable_output_is_escaped() -> None:
    done = run("help", "demo", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    done = run("migrate", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 2
    assert b"EMAIL_URL is missing" in done.stderr


@pytest.mark.parametrize("arguments", [["web"], ["worker"], ["create-practice", "--name", "help"], ["seed", "help"]])
def test_other_commands_need_settings(arguments: list[str]) -> None:
    assert not cli.is_help(arguments)


def test_the_placeholder_settings_are_complete() -> None:
    assert configuration.read(cli.PLACEHOLDERS).demo is False
