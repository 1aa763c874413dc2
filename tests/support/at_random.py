"""How long tests at random go on: a little in every run of the tests, and as long as one likes by an option."""

from math import ceil

import pytest
from hypothesis import HealthCheck, settings

# Many runs of one test are made side by side, as tests of their own that take `share`.
SHARES = 4
# Three processes at each of fifteen moments; `make thorough` goes through the moments more than twice.
KILLS = 45
KILLS_OF_A_WHOLE_RUN = 100


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runs", type=int, help="how many runs each test at random makes (`make books`: 200)")
    parser.addoption(
        "--kills",
        type=int,
        help=f"how many processes are killed (default: {KILLS}, or {KILLS_OF_A_WHOLE_RUN} with --whole)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "share" in metafunc.fixturenames:
        metafunc.parametrize("share", range(SHARES if metafunc.config.getoption("runs") else 1))


def kills(config: pytest.Config) -> int:
    """Returns how many processes the run kills in all."""
    wanted: int | None = config.getoption("kills")
    return wanted or (KILLS_OF_A_WHOLE_RUN if config.getoption("whole") else KILLS)


def at_random(config: pytest.Config, *, runs: int, steps: int) -> settings:
    """For `run_state_machine_as_test`: so many runs, alike each time, unless the option wants others and new ones.

    Of those it wants, one share.
    """
    wanted: int | None = config.getoption("runs")
    return settings(
        max_examples=ceil(wanted / SHARES) if wanted else runs,
        derandomize=wanted is None,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )
