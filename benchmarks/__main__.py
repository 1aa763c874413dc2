"""`python -m benchmarks`: times, plans and rates at several sizes, on both databases, and the report of them."""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks import report
from benchmarks.report import Results, Row
from tests import environment
from tests.support.database import postgresql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
SIZED = ("pages", "list", "invoices", "requests")
UNSIZED = (
    *("idle", "start", "memory", "seeding", "webhooks", "invitations", "bulk"),
    *("mail", "reports", "entrance", "papers", "documents"),
)
PARTS = (*SIZED, *UNSIZED)


@dataclass(frozen=True)
class Run:
    """One database of one size, and what is measured on it."""

    database: str
    clients: int
    parts: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{NAMES[self.database]}, {self.clients:,} clients"


ALL_RUNS = (
    Run(POSTGRESQL, 1_000, PARTS),
    Run(POSTGRESQL, 1_000_000, SIZED),
    Run(SQLITE, 100_000, SIZED),
)


def main() -> int:
    wanted = _arguments()
    runs = _runs(wanted)
    if wanted.rows is not None:
        (run,) = runs
        rows = _measure(run, wanted)
        wanted.rows.write_text(json.dumps([asdict(row) for row in rows]))
        return 1 if any(row.complaints for row in rows) else 0
    results, code = list[Results](), 0
    for run in runs:
        rows, failed = _in_a_process_of_its_own(run, wanted)
        results.append(Results(run.title, rows))
        code = max(code, failed)
    if wanted.write is not None:
        wanted.write.write_text(report.render(results, day=datetime.now(UTC).date()), encoding="utf-8")
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), help="default: both")
    parser.add_argument("--clients", type=int, help="the size; default: 1,000 and 1,000,000, on SQLite 100,000")
    parser.add_argument("--plans", action="store_true", help="show every plan, not only those that read a whole table")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given several times")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the report to this file")
    # For the process of one run: it writes its rows there.
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _runs(wanted: argparse.Namespace) -> list[Run]:
    parts = tuple(wanted.only or PARTS)
    if wanted.clients is not None:
        return [Run(kind, wanted.clients, parts) for kind in NAMES if wanted.database in (None, kind)]
    limited = [Run(run.database, run.clients, tuple(part for part in run.parts if part in parts)) for run in ALL_RUNS]
    return [run for run in limited if run.parts and wanted.database in (None, run.database)]


def _in_a_process_of_its_own(run: Run, wanted: argparse.Namespace) -> tuple[list[Row], int]:
    """Measures one run: Django connects to one database and keeps to it. Returns the rows, and 1 for complaints."""
    with tempfile.TemporaryDirectory(prefix="portico-bench-rows-") as folder:
        file = Path(folder) / "rows.json"
        only = [f"--only={part}" for part in run.parts]
        size = (f"--database={run.database}", f"--clients={run.clients}", f"--rows={file}")
        plans = ["--plans"] if wanted.plans else []
        code = subprocess.call([sys.executable, "-m", "benchmarks", *size, *only, *plans])
        if not file.exists():
            raise SystemExit(f"The measurements of {run.title} ended early.")
        return [Row(**each) for each in json.loads(file.read_text())], code


def _measure(run: Run, wanted: argparse.Namespace) -> list[Row]:
    print(f"\n=== {run.title} ===", flush=True)
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        if run.database == SQLITE:
            return _measure_on(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", run, wanted)
        cluster = postgresql.start()
        try:
            with psycopg.connect(f"{cluster.url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE portico")
            return _measure_on(cluster.url, run, wanted)
        finally:
            cluster.stop()


def _measure_on(database_url: str, run: Run, wanted: argparse.Namespace) -> list[Row]:
    os.environ |= environment.TEST_ENVIRONMENT | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    importlib.import_module("django").setup()
    # Models can be imported from here on, not before.
    one_database = importlib.import_module("benchmarks.one_database")
    rows: list[Row] = one_database.run(clients=run.clients, show_plans=wanted.plans, parts=set(run.parts))
    return rows


if __name__ == "__main__":
    sys.exit(main())
