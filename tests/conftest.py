"""Loads the fixtures, which are in tests/support, and sets up hypothesis."""

from hypothesis import settings

from tests.support import databases

pytest_plugins = [
    "tests.cast",
    "tests.support.clean_up",
    "tests.support.at_random",
    "tests.support.browser",
    "tests.support.clock",
    "tests.support.dns",
    "tests.support.imap",
    "tests.support.memory",
    "tests.support.migrated",
    "tests.support.network",
    "tests.support.paying",
    "tests.support.pressing",
    "tests.support.processes",
    "tests.support.smtp",
    "tests.support.clamd",
    "tests.support.mail_servers",
    "tests.support.stripe",
    "tests.support.world",
]

# No deadline, since the machine may be busy. The same examples each time: a failure is then due to the change.
settings.register_profile("portico", deadline=None, print_blob=True, derandomize=True, max_examples=40)
settings.register_profile("whole", settings.get_profile("portico"), max_examples=400)
settings.load_profile("whole" if databases.is_whole() else "portico")
