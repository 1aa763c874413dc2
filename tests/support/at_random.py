"""The number of runs of randomized tests: few by default, more with --whole, or as many as an option says."""

from math import ceil

import pytest
from hypothesis import HealthCheck, settings

# With --runs, each randomized test is split into this many, which run in parallel: the parameter `share`.
SHARES = 4
# While clients pay: three processes at each of fifteen moments; with --whole more than six.
KILLS = 45
KILLS_OF_A_WHOLE_RUN = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runs", type=int, help="how many runs each randomized test makes (`make books`: 200)")
    parser.addoption(
        "--kills",
        type=int,
        help=f"how many processes are killed (while clients pay: {KILLS}, or {KILLS_OF_A_WHOLE_RUN} with --whole)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "share" in metafunc.fixturenames:
        metafunc.parametrize("share", range(SHARES if metafunc.config.getoption("runs") else 1))


def kills(config: pytest.Config, *, usual: int = KILLS, whole: int = KILLS_OF_A_WHOLE_RUN) -> int:
    """Returns how many processes the run kills in all."""
    wanted: int | None = config.getoption("kills")
    return wanted or (whole if config.getoption("whole") else usual)


def at_random(config: pytest.Config, *, runs: int, whole_runs: int, steps: int) -> settings:
    """Returns the settings for `run_state_machine_as_test`: `whole_runs` with --whole, else `runs`, the same each time.

    With the option --runs, as many other runs, of which each share makes its part.
    """
    wanted: int | None = config.getoption("runs")
    usual = whole_runs if config.getoption("whole") else runs
    return settings(
        max_examples=ceil(wanted / SHARES) if wanted else usual,
        derandomize=wanted is None,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )
