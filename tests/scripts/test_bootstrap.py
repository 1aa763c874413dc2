"""`make setup` works for a user without a home and in any locale, or explains in one sentence why it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import bootstrap

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_home_no_user_python_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    assert bootstrap.pyenv_pythons(13) == []
    assert bootstrap.find_python() is not None


def test_an_unreadable_pyenv_folder_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path, pattern: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "glob", forbidden)
    assert bootstrap.pyenv_pythons(13) == []
    assert bootstrap.find_python() is not None


@pytest.mark.parametrize("home", ["/missing", "/dev/null"])
def test_pip_gets_a_home_if_there_is_none(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    for name in ("HOME", "PIP_NO_CACHE_DIR", "UV_NO_CACHE"):
        monkeypatch.setenv(name, home)
    bootstrap.give_home()
    assert os.environ["HOME"] == str(bootstrap.VENV)


def test_an_existing_home_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    bootstrap.give_home()
    assert os.environ["HOME"] == str(tmp_path)


@pytest.mark.parametrize("name", [b"m\xc3\xbcller 1", b"m\xfcller"])
def test_any_folder_name_has_a_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: bytes) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    monkeypatch.setattr(bootstrap, "ROOT", folder)
    assert len(bootstrap.fingerprint()) == 64


@pytest.mark.real_processes
def test_a_folder_name_outside_utf8_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"m\xfcller")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    done = subprocess.run(
        [sys.executable, folder / "scripts" / "bootstrap.py"],
        cwd=folder, env={"PATH": os.defpath}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"The name of this folder is not UTF-8.")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.real_processes
def test_a_disk_error_is_explained_in_one_sentence(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    done = subprocess.run(
        [sys.executable, tmp_path / "scripts" / "bootstrap.py"],
        cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Setting up stopped: ")
    assert "requirements/dev.txt" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.real_processes
def test_python_variables_are_not_passed_on() -> None:
    meant_elsewhere = {"PYTHONHOME": "/missing", "PYTHONPATH": "/missing", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        ["make", "--dry-run", "setup"],
        cwd=ROOT, env={"PATH": os.environ["PATH"]} | meant_elsewhere, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "python" in done.stdout.partition("scripts/bootstrap.py")[0].splitlines()[-1]
