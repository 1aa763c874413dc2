"""Loads the fixtures, which are in tests/support, and sets up hypothesis."""

from hypothesis import settings

from tests.support.database import databases

pytest_plugins = [
    "tests.cast",
    "tests.support.database.clean_up",
    "tests.support.at_random",
    "tests.support.browser.chromium",
    "tests.support.clock",
    "tests.support.servers.dns",
    "tests.support.servers.imap",
    "tests.support.memory",
    "tests.support.database.migrated_copies",
    "tests.support.network",
    "tests.support.card_payments",
    "tests.support.portal_client",
    "tests.support.processes.commands",
    "tests.support.servers.smtp",
    "tests.support.servers.clamd",
    "tests.support.servers.mail_servers",
    "tests.support.servers.stripe",
    "tests.support.world",
]

# No deadline, since the machine may be busy. The same examples each time: a failure is then due to the change.
settings.register_profile("portico", deadline=None, print_blob=True, derandomize=True, max_examples=40)
settings.register_profile("whole", settings.get_profile("portico"), max_examples=400)
settings.load_profile("whole" if databases.is_whole() else "portico")
