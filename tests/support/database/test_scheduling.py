"""In a run on both databases, each test runs once on a worker of its database."""

import sys
from pathlib import Path

import pytest

from tests.support.database.scheduling import _database_of_spec

pytest_plugins = ["pytester"]

CONFTEST = """
import os
import pytest
from tests.support.database.scheduling import PerDatabaseScheduling

def pytest_xdist_make_scheduler(config, log):
    return PerDatabaseScheduling(config, log, "KIND")

def pytest_collection_modifyitems(items):
    kind = os.environ.get("KIND")
    items[:] = [item for item in items if kind in item.name or "both" in item.name]
"""


@pytest.mark.slow
def test_each_test_runs_once_and_the_progress_ends_at_100(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    for number in range(3):
        pytester.makepyfile(
            **{
                f"test_{number}": "import os\ndef test_both(): pass\n"
                + "".join(
                    f"def test_{kind}_{n}(): assert os.environ['KIND'] == '{kind}'\n"
                    for kind in ("lite", "post")
                    for n in range(number + 1)
                )
            }
        )
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider")
    workers = [f"--tx=popen//env:KIND={kind}" for kind in ("lite", "post")]
    root = str(Path(__file__).resolve().parents[3])
    pytester._monkeypatch.setenv("PYTHONPATH", root)
    # Each of the three processes would load Django, Hypothesis and more, without use here.
    pytester._monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.run(sys.executable, "-m", "pytest", "-p", "xdist", "--dist=loadscope", *workers)
    result.assert_outcomes(passed=18)
    result.stdout.fnmatch_lines(["*[[]100%]*"])
    result.stdout.no_fnmatch_line("*[[]1[1-9]?%]*")
    result.stdout.no_fnmatch_line("*loadscopesched*")


def test_the_database_is_read_from_the_worker_s_environment() -> None:
    assert _database_of_spec("popen//env:KIND=sqlite//env:OTHER=1", "KIND") == "sqlite"
