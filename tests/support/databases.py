"""The option --database: on which database a run stands. Loaded first (pyproject.toml), before settings are read."""

import os
import tempfile
import zlib
from collections.abc import Generator
from itertools import product
from pathlib import Path

import pytest

from tests.support import postgresql

KINDS = ("sqlite", "postgresql")
CHOSEN = "PORTICO_TESTS_DATABASE"
# A run on both stands in four processes: what starts browsers and whole servers mostly waits for them, and is done
# beside the rest.
SHARE = "PORTICO_TESTS_SHARE"
SHARES = ("programs", "rest")
PROGRAMS = ("browser", "real_processes")
# Said by --whole: every test of a page runs on both, too.
WHOLE = "PORTICO_TESTS_WHOLE"
# What comes with these has a database; marks ask for them.
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
ADDRESS = "PORTICO_TESTS_{}_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=(*KINDS, "both"),
        default="sqlite",
        help="sqlite (default), postgresql (a private cluster for this run), or both side by side",
    )
    parser.addoption("--whole", action="store_true", help="with both: each test of a page on both, not on one of them")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """Starts what the run needs and says where it is; parallel workers inherit both through the environment."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        chosen = early_config.known_args_namespace.database
        folder = tempfile.TemporaryDirectory(prefix="portico-tests-", ignore_cleanup_errors=True)
        early_config.add_cleanup(folder.cleanup)
        os.environ[ADDRESS.format("SQLITE")] = f"sqlite:///{folder.name}/portico.sqlite3"
        if chosen != "sqlite":
            cluster = postgresql.start()
            early_config.add_cleanup(cluster.stop)
            os.environ[ADDRESS.format("POSTGRESQL")] = cluster.url
        if chosen == "both":
            if early_config.known_args_namespace.whole:
                os.environ[WHOLE] = "1"
            # One summary tells the whole story.
            each = (f"--tx=popen//env:{CHOSEN}={kind}//env:{SHARE}={share}" for kind, share in product(KINDS, SHARES))
            args[:] = ["--dist=each", *each, *args]
        os.environ[CHOSEN] = "sqlite" if chosen == "both" else chosen
    return (yield)


def chosen() -> str:
    """The database of this process: "sqlite" or "postgresql"."""
    return os.environ.get(CHOSEN, "sqlite")


def set_up() -> None:
    """Points DATABASE_URL at the run's own database, whatever the shell said."""
    address = os.environ.get(ADDRESS.format(chosen().upper()))
    if address:
        os.environ["DATABASE_URL"] = address


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('database')}"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The processes for programs do not load the many modules that start none."""
    is_left_out = (
        os.environ.get(SHARE) == "programs"
        and collection_path.name.startswith("test_")
        and collection_path.suffix == ".py"
        and not names_programs(collection_path)
    )
    return True if is_left_out else None


def names_programs(module: Path) -> bool:
    """Whether it writes one of their marks."""
    text = module.read_text(encoding="utf-8")
    return any(f"mark.{name}" in text for name in PROGRAMS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out (and does not call skipped) what is meant for the other database, or for another process."""
    ours = [item for item in items if _is_ours(item)]
    if len(ours) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if not _is_ours(item)])
        items[:] = ours


def _is_ours(item: pytest.Item) -> bool:
    marked = [kind for kind in KINDS if item.get_closest_marker(kind)]
    if marked and chosen() not in marked:
        return False
    if not marked and SHARE in os.environ and chosen() not in databases_of(item):
        return False
    share = "programs" if any(item.get_closest_marker(name) for name in PROGRAMS) else "rest"
    if share == "programs" and not names_programs(item.path):
        raise pytest.UsageError(f"{item.nodeid} would run nowhere: its own module must name its mark.")
    return os.environ.get(SHARE, share) == share


def databases_of(item: pytest.Item) -> tuple[str, ...]:
    """Where a test without a mark runs, when both are there.

    One that asks no database runs once. Those of pages take turns: of each module about half stand on either, so that
    a page which one of the two cannot serve is found, and what is said of it is checked once.
    """
    fixtures = set(getattr(item, "fixturenames", ()))
    if not item.get_closest_marker("django_db") and not fixtures & DATABASE_FIXTURES:
        return KINDS[:1]
    if item.nodeid.startswith("tests/web/") and WHOLE not in os.environ:
        return (KINDS[zlib.crc32(item.nodeid.encode()) % 2],)
    return KINDS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("Database", chosen()))
    return report
