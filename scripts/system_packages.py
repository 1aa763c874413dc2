"""Installs the programs that tests start: Chromium, PostgreSQL and PgBouncer. Standard library only, any Python 3."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

APT = ["apt-get", "-o", "Acquire::Retries=3"]
PGBOUNCER = "/usr/sbin/pgbouncer"
# The first is Chromium without its window: it does the same with a third of the processor time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def main() -> None:
    """Installs missing packages as root; else prints the command that does it."""
    packages = missing()
    if not packages:
        return
    install = ["install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("Tests need Chromium, PostgreSQL and PgBouncer. Please run: sudo apt-get " + " ".join(install))
    print("Installing " + ", ".join(packages), flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in ([*APT, "-qq", "update"], [*APT, "-qq", *install]):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
        if done.returncode:
            sys.exit("apt-get could not do it; its reason is above. Tests need: " + ", ".join(packages))


def browser() -> str | None:
    """Returns the path of Chromium, if it is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing() -> list[str]:
    packages = []
    if not browser():
        packages += [BROWSERS[0], "fonts-liberation"]
    if not (list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")):
        packages.append("postgresql")
    if not Path(PGBOUNCER).exists():
        packages.append("pgbouncer")
    return packages


if __name__ == "__main__":
    main()
