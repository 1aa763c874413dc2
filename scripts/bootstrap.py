"""Creates `.venv` and fills it. Standard library only; an old Python can run it, to find a newer one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NEEDED = (3, 13)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "portico-stamp"
BASE = ROOT / "requirements" / "base.txt"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
NO_PYTHON = """Portico needs Python 3.13 or newer and found none on this machine. Install it, then run this again:
  Debian 13:      sudo apt install python3 python3-venv
  Ubuntu:         sudo add-apt-repository ppa:deadsnakes/ppa && sudo apt install python3.13-venv
  macOS:          brew install python@3.13"""


def main() -> None:
    """Creates and fills the environment; does nothing if it is up to date."""
    if hasattr(sys.stdout, "reconfigure"):
        # The locale may lack characters of a folder's name.
        sys.stdout.reconfigure(errors="backslashreplace")
    refuse_unreadable_name()
    stamp = fingerprint()
    if not (PYTHON.exists() and STAMP.exists() and STAMP.read_bytes() == stamp.encode()):
        make_venv()
        install()
        STAMP.write_bytes(stamp.encode())
    if (ROOT / "portico" / "locale").is_dir():
        run(PYTHON, "-m", "scripts.words", "compile")
    # Otherwise each start compiles all modules, if the code is read-only or PYTHONDONTWRITEBYTECODE is set.
    attempt(PYTHON, "-m", "compileall", "-qq", "portico", "sandbox")


def refuse_unreadable_name() -> None:
    """venv and pip write the folder's name into text files."""
    try:
        os.fsencode(ROOT).decode("utf-8")
    except UnicodeDecodeError:
        sys.exit("The name of this folder is not UTF-8. Move Portico to another folder, then run this again.")


def fingerprint() -> str:
    """Returns a hash of everything that the installation depends on."""
    parts = [REQUIREMENTS, ROOT / "pyproject.toml", Path(__file__)]
    return hashlib.sha256(b"\0".join([part.read_bytes() for part in parts] + [os.fsencode(ROOT)])).hexdigest()


def make_venv() -> None:
    if version_of(str(PYTHON)) >= NEEDED:
        return
    if not os.access(str(ROOT), os.W_OK):
        sys.exit(f"This user may not write to {ROOT}, where .venv is made. Use a checkout of your own.")
    base = find_python()
    if base is None:
        sys.exit(NO_PYTHON)
    print("Making .venv with " + base, flush=True)
    if subprocess.call([base, "-m", "venv", "--clear", str(VENV)]):
        sys.exit("Python could not make .venv; on Debian and Ubuntu its package python3-venv is missing.")


def find_python() -> str | None:
    """Returns the first Python that is new enough: this one, one on PATH, or one of pyenv."""
    minors = range(NEEDED[1], NEEDED[1] + 8)
    names = [f"python3.{minor}" for minor in minors] + ["python3", "python"]
    candidates: list[str | None] = [sys.executable]
    candidates += [shutil.which(name) for name in names]
    for minor in minors:
        candidates += pyenv_pythons(minor)
    return next((found for found in candidates if found and version_of(found) >= NEEDED), None)


def pyenv_pythons(minor: int) -> list[str]:
    """Yields the Pythons of pyenv that this user may read."""
    try:
        root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
        return sorted(str(found) for found in root.glob(f"versions/3.{minor}*/bin/python"))
    except (OSError, RuntimeError):  # A folder of another user; a user without a home.
        return []


def version_of(python: str) -> tuple[int, ...]:
    """Returns (major, minor), or (0, 0) if it does not run (pyenv leaves such names on PATH)."""
    try:
        answer = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    return tuple(int(part) for part in answer.stdout.split()) or (0, 0)


def install() -> None:
    """Installs what the lock names and nothing else, with uv or, where uv cannot, with pip."""
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    by_hash: list[str | Path] = ["--require-hashes", "-r", REQUIREMENTS]
    give_home()
    print("Installing what requirements/dev.txt names", flush=True)
    uv: list[str | Path] = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON]
    # pip compiles what it installs; uv only on request, here for all packages that a running Portico imports.
    compiled: list[str | Path] = ["--compile-bytecode", "--require-hashes", "-r", BASE]
    if not (install_uv(pip) and attempt(*uv, *compiled) and attempt(*uv, *by_hash)):
        print("uv could not install them; trying pip", flush=True)
        run(*pip, *by_hash)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def give_home() -> None:
    """Lets pip and uv work for a user without a home, as in services and containers."""
    try:
        has_home = Path.home().is_dir()
    except (OSError, RuntimeError):
        has_home = False
    if not has_home:
        os.environ.update(HOME=str(VENV), PIP_NO_CACHE_DIR="1", UV_NO_CACHE="1")


def install_uv(pip: list[str | Path]) -> bool:
    locked = re.search(r"^uv==.*\n(?: +--hash.*\n)+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if locked is None:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as only_uv:
        only_uv.write(locked.group())
        only_uv.flush()
        return attempt(*pip, "--require-hashes", "--no-deps", "-r", only_uv.name)


def attempt(*command: str | Path) -> bool:
    return subprocess.call([str(part) for part in command], cwd=str(ROOT), stdin=subprocess.DEVNULL) == 0


def run(*command: str | Path) -> None:
    if not attempt(*command):
        sys.exit("Setting up stopped at: " + " ".join(str(part) for part in command))


if __name__ == "__main__":
    # Settings for venv and pip that do not depend on the locale.
    os.environ["PYTHONUTF8"] = "1"
    try:
        main()
    except OSError as error:
        sys.exit(f"Setting up stopped: {error}.")
