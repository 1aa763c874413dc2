"""What every test gets. The fixtures themselves are in tests/support, one module for each."""

from hypothesis import settings

pytest_plugins = [
    "tests.cast",
    "tests.support.clean_up",
    "tests.support.at_random",
    "tests.support.browser",
    "tests.support.clock",
    "tests.support.memory",
    "tests.support.migrated",
    "tests.support.network",
    "tests.support.paying",
    "tests.support.pressing",
    "tests.support.processes",
    "tests.support.smtp",
    "tests.support.stripe",
    "tests.support.world",
]

# No deadline: a busy machine is not a wrong answer. Drawn alike each time: a change is judged by itself, not by luck.
settings.register_profile("portico", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("portico")
