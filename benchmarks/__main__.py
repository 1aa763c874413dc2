"""`python -m benchmarks`: times, plans and rates at the size of a very large practice, on both databases."""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from tests import environment
from tests.support import postgresql

KINDS = ("sqlite", "postgresql")
PARTS = ("list", "invoices", "pages", "mail", "entrance", "papers", "idle")


def main() -> int:
    wanted = _arguments()
    if wanted.database == "both":
        # A process each: Django connects to one database and keeps to it.
        return max(_in_a_process_of_its_own(kind) for kind in KINDS)
    print(f"\n=== {wanted.database} ===", flush=True)
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        if wanted.database == "sqlite":
            return _measure(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", wanted)
        cluster = postgresql.start()
        try:
            with psycopg.connect(f"{cluster.url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE portico")
            return _measure(cluster.url, wanted)
        finally:
            cluster.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--database", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--plans", action="store_true", help="show every plan, not only those that read a whole table")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given several times")
    return parser.parse_args()


def _in_a_process_of_its_own(kind: str) -> int:
    # The last --database wins.
    return subprocess.call([sys.executable, "-m", "benchmarks", *sys.argv[1:], "--database", kind])


def _measure(database_url: str, wanted: argparse.Namespace) -> int:
    os.environ |= environment.TEST_ENVIRONMENT | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    importlib.import_module("django").setup()
    # Models can be imported from here on, not before.
    one_database = importlib.import_module("benchmarks.one_database")
    is_fine = one_database.run(clients=wanted.clients, show_plans=wanted.plans, parts=set(wanted.only or PARTS))
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
