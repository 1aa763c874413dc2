"""A private PostgreSQL cluster for one test run, with its own folder and port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.database import shared_memory
from tests.support.servers.ports import free_port

DEBIAN = Path("/usr/lib/postgresql")
QUICK_NOT_SAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# The write-ahead log stays small enough for a folder in memory.
SETTINGS = (*QUICK_NOT_SAFE, "max_connections=200", "max_wal_size=256MB", "wal_level=minimal", "max_wal_senders=0")
MISSING = "PostgreSQL 15 or newer is missing. As root: apt-get install postgresql"


@dataclass
class Cluster:
    """A running server; `url` is the value of DATABASE_URL."""

    folder: Path
    port: int
    server: subprocess.Popen[bytes]

    def halt(self) -> None:
        """Ends this server and its connections but keeps its folder: `serve` starts it again."""
        self.server.send_signal(signal.SIGINT)
        self.server.wait(20)

    def serve(self) -> None:
        self.server = _serve(self.folder, self.port)
        _wait_until_it_answers(self)

    @property
    def url(self) -> str:
        return f"postgres://portico@127.0.0.1:{self.port}/portico"

    def stop(self) -> None:
        """Ends this server and removes its folder."""
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)  # disconnects the clients, then ends cleanly
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.send_signal(signal.SIGQUIT)
                self.server.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def start() -> Cluster:
    """Creates and starts a cluster. Raises RuntimeError if PostgreSQL is not installed."""
    owner = server_owner()
    folder = Path(tempfile.mkdtemp(prefix="portico-postgresql-", dir=shared_memory.folder()))
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    _make(folder, owner)
    port = free_port()
    cluster = Cluster(folder, port, _serve(folder, port))
    _wait_until_it_answers(cluster)
    return cluster


def _serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    owner = server_owner()
    settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", *SETTINGS)
    command = [str(programs() / "postgres"), "-D", str(folder / "cluster"), *(f"--{setting}" for setting in settings)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for pytest, which then ends the server itself.
            user=owner and owner.pw_uid,
            group=owner and owner.pw_gid,
            extra_groups=[] if owner else None,
        )


def _make(folder: Path, owner: pwd.struct_passwd | None) -> None:
    # ICU, as on most servers: in the C locale, more queries would use an index.
    order = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
    made = subprocess.run(
        [
            programs() / "initdb",
            f"--pgdata={folder / 'cluster'}",
            "--username=portico",
            "--auth=trust",
            "--no-sync",
            *order,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        user=owner and owner.pw_uid,
        group=owner and owner.pw_gid,
        extra_groups=[] if owner else None,
    )
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(f"initdb failed:\n{made.stderr}")


def programs() -> Path:
    versions = [
        folder
        for folder in DEBIAN.glob("*/bin")
        if (folder / "initdb").exists() and folder.parent.name.isdigit() and int(folder.parent.name) >= 15
    ]
    if versions:
        return max(versions, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    if not found:
        raise RuntimeError(MISSING)
    return Path(found).resolve().parent


def server_owner() -> pwd.struct_passwd | None:
    """Returns the user that the server runs as if we are root, which it refuses."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    owner = users.get("postgres") or users.get("nobody")
    if owner is None:
        raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")
    return owner


def _wait_until_it_answers(cluster: Cluster) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(f"{cluster.url.rpartition('/')[0]}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            if cluster.server.poll() is not None or time.monotonic() > deadline:
                reason = (cluster.folder / "log").read_text(errors="replace")
                cluster.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{reason}") from None
            time.sleep(0.1)
        else:
            return
