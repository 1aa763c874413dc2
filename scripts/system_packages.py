"""Installs the programs that tests start, such as PostgreSQL and Postfix. Standard library only, any Python 3."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

APT = ["apt-get", "-o", "Acquire::Retries=3"]
PGBOUNCER = "/usr/sbin/pgbouncer"
POSTFIX = "/usr/sbin/postfix"
DOVECOT = "/usr/sbin/dovecot"
CLAMD = "/usr/sbin/clamd"
# Every mail server has it.
SENDMAIL = "/usr/sbin/sendmail"
# The services that come with a package, by a part of its name.
SERVICES = (
    *(("postfix", "postfix"), ("dovecot", "dovecot")),
    *(("clamav", f"clamav-{each}") for each in ("daemon.service", "daemon.socket", "freshclam.service")),
)
# Set by .ci/run.
SKIP_NOTHING = "PORTICO_SKIP_NO_TESTS"
# Asks invoke-rc.d, while it is there, to start none of the installed services.
POLICY = Path("/usr/sbin/policy-rc.d")
# The first is Chromium without its window: it does the same with a third of the processor time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def main() -> None:
    """Installs missing packages as root; else prints the command that does it."""
    packages = missing()
    if not packages:
        return
    install = ["install", "-y", "--no-install-recommends", "--no-remove", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("Tests need Chromium, PostgreSQL, PgBouncer and clamd. Please run: sudo apt-get " + " ".join(install))
    print("Installing " + ", ".join(packages), flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    if "postfix" in packages and shutil.which("debconf-set-selections"):
        # Tests write their own configuration.
        answer = b"postfix postfix/main_mailer_type select No configuration\n"
        subprocess.run(["debconf-set-selections"], input=answer, check=False)
    with services_not_started():
        for command in ([*APT, "-qq", "update"], [*APT, "-qq", *install]):
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
            if done.returncode:
                sys.exit(_failure(packages))
    disable([each for name, each in SERVICES if any(name in package for package in packages)])


def _failure(packages: list[str]) -> str:
    text = "apt-get could not do it; its reason is above. Tests need: " + ", ".join(packages)
    if "postfix" in packages and Path(SENDMAIL).exists():
        text += "\nAnother mail server is installed, which is not replaced: run CI on a machine without one."
    return text


@contextmanager
def services_not_started() -> Iterator[None]:
    """Installs packages without starting their services: tests start the programs themselves."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def disable(services: list[str]) -> None:
    """Keeps services that were just installed for tests from starting at the next boot."""
    if services and Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "--quiet", "disable", *services], check=False)


def browser() -> str | None:
    """Returns the path of Chromium, if it is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def can_have_mail_servers() -> bool:
    """Returns True for root, who alone can start Postfix, unless another mail server is installed.

    CI, where nothing is skipped, needs them in any case: there, another mail server makes the installation fail.
    """
    is_free = Path(POSTFIX).exists() or not Path(SENDMAIL).exists()
    return os.geteuid() == 0 and (is_free or SKIP_NOTHING in os.environ)


def missing() -> list[str]:
    packages = []
    if not browser():
        packages += [BROWSERS[0], "fonts-liberation"]
    if not (list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")):
        packages.append("postgresql")
    if not Path(PGBOUNCER).exists():
        packages.append("pgbouncer")
    if not Path(CLAMD).exists():
        packages.append("clamav-daemon")
    if can_have_mail_servers():
        packages += [
            name for name, path in (("postfix", POSTFIX), ("dovecot-imapd", DOVECOT)) if not Path(path).exists()
        ]
    return packages


if __name__ == "__main__":
    main()
