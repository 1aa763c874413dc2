"""The option --database: which database the tests use. Loaded first (pyproject.toml), before settings are read."""

import os
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.support.database import postgresql, shared_memory
from tests.support.database.scheduling import PerDatabaseScheduling

KINDS = ("sqlite", "postgresql")
CHOSEN = "PORTICO_TESTS_DATABASE"
# Two processes for each database: while one waits for a browser or a server, the others have the processors.
WORKERS_PER_DATABASE = 2
# Set in the processes of a run on both databases.
BOTH = "PORTICO_TESTS_BOTH"
# Set by --whole: every test with a database runs on both of them, and tests in samples take all of them.
WHOLE = "PORTICO_TESTS_WHOLE"
# A test with one of these fixtures uses the database even without the mark.
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
# Tests with one of these marks start first, so that none of the longest is left for the end.
LONGEST = ("browser", "real_processes", "slow")
URL_VARIABLE = "PORTICO_TESTS_{}_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=(*KINDS, "both"),
        default="sqlite",
        help="sqlite (default), postgresql (a private cluster for this run), or both side by side",
    )
    parser.addoption("--whole", action="store_true", help="all samples; with both: every test on both databases")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """Starts the databases of the run; parallel workers inherit their addresses through the environment."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        chosen = early_config.known_args_namespace.database
        folder = tempfile.TemporaryDirectory(
            prefix="portico-tests-", dir=shared_memory.folder(), ignore_cleanup_errors=True
        )
        early_config.add_cleanup(folder.cleanup)
        os.environ[URL_VARIABLE.format("SQLITE")] = f"sqlite:///{folder.name}/portico.sqlite3"
        if chosen != "sqlite":
            cluster = postgresql.start()
            early_config.add_cleanup(cluster.stop)
            os.environ[URL_VARIABLE.format("POSTGRESQL")] = cluster.url
        if early_config.known_args_namespace.whole:
            os.environ[WHOLE] = "1"
        if chosen == "both":
            os.environ[BOTH] = "1"
            workers = (f"--tx=popen//env:{CHOSEN}={kind}" for kind in KINDS for _ in range(WORKERS_PER_DATABASE))
            args[:] = ["--dist=loadscope", *workers, *args]
        os.environ[CHOSEN] = "sqlite" if chosen == "both" else chosen
    return (yield)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> PerDatabaseScheduling | None:
    """Keeps each worker of a run on both databases to its own."""
    return PerDatabaseScheduling(config, log, CHOSEN) if config.getoption("database") == "both" else None


def chosen() -> str:
    """Returns the database of this process: "sqlite" or "postgresql"."""
    return os.environ.get(CHOSEN, "sqlite")


def is_whole() -> bool:
    """Returns True in a run with --whole, in which nothing is left out to save time."""
    return WHOLE in os.environ


def set_up() -> None:
    """Sets DATABASE_URL to the run's own database, whatever the environment contains."""
    address = os.environ.get(URL_VARIABLE.format(chosen().upper()))
    if address:
        os.environ["DATABASE_URL"] = address


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('database')}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the tests of the other database, and puts the longest modules first."""
    selected = [item for item, kinds in zip(items, turns(items), strict=True) if chosen() in kinds]
    if len(selected) < len(items):
        kept = set(selected)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    if BOTH in os.environ:
        first = {item.path for item in selected if any(item.get_closest_marker(name) for name in LONGEST)}
        selected.sort(key=lambda item: item.path not in first)
    items[:] = selected


def turns(items: Iterable[pytest.Item]) -> list[tuple[str, ...]]:
    """Returns for each test the databases that run it, in the order of `items`.

    On both databases: what is marked `both_databases`, and everything with --whole. On one: what is marked with its
    name, what uses no database (SQLite), and in a run on both the others, which take turns: a module's first test
    runs on one, its second on the other.
    """
    found: list[tuple[str, ...]] = []
    counts: dict[Path, int] = {}
    for item in items:
        marked = tuple(kind for kind in KINDS if item.get_closest_marker(kind))
        if marked:
            found.append(marked)
        elif BOTH not in os.environ:
            found.append(KINDS)
        elif not _uses_database(item):
            found.append(KINDS[:1])
        elif is_whole() or item.get_closest_marker("both_databases"):
            found.append(KINDS)
        else:
            # Modules begin alternately, or those with one test would all run on the same database.
            turn = counts.setdefault(item.path, len(counts))
            found.append((KINDS[turn % len(KINDS)],))
            counts[item.path] += 1
    return found


def _uses_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & DATABASE_FIXTURES)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("Database", chosen()))
    return report
