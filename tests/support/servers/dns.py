"""A name server that knows no names, for tests that run every scheduled task.

A silent one would be waited for without end where the clock stands still: dnspython measures by the clock.
"""

from collections.abc import Iterator

import pytest
from django.conf import settings

from portico.gateways.dns import DnsServer
from sandbox.dns import server
from sandbox.dns.server import Records


@pytest.fixture(autouse=True, scope="session")
def name_server() -> Iterator[None]:
    """Answers every question of this process with "no such name"."""
    with server.running(Records()) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "DNS_SERVER", DnsServer("127.0.0.1", running.port))
        yield
