"""How long tests at random go on: a little in every run of the tests, and as long as one likes by an option."""

import pytest
from hypothesis import HealthCheck, settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runs", type=int, help="how many runs each test at random makes (`make books`: 200)")
    parser.addoption("--kills", type=int, default=45, help="how many processes are killed (default: %(default)s)")


def at_random(config: pytest.Config, *, runs: int, steps: int) -> settings:
    """For `run_state_machine_as_test`: so many runs, alike each time, unless the option wants others and new ones."""
    wanted: int | None = config.getoption("runs")
    return settings(
        max_examples=wanted or runs,
        derandomize=wanted is None,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )
