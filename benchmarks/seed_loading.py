"""Measures loading a seed file with many clients."""

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.instruments import server_time
from benchmarks.report import Row
from portico.operating.seeding import file_format, loading
from portico.plumbing.actors import Actor

CLIENTS = 5_000


def measure() -> Iterator[Row]:
    """Measures a client with an address, a phone and portal access."""
    document = {
        "practices": [{"slug": "seeded", "name": "Seeded", "clients": [_client(each) for each in range(CLIENTS)]}]
    }
    database_began, began = server_time.database_seconds(), time.process_time()
    loading.load(file_format.read(document), by=Actor.operator())
    used = time.process_time() - began + server_time.database_seconds() - database_began
    each_ms = used * 1000 / CLIENTS
    yield Row("Seeding", "a client with access, of a seed file", f"{each_ms:.2f} ms", "3 ms", each_ms)


def _client(number: int) -> dict[str, Any]:  # Any: JSON.
    email = f"seeded.{number}@mail.example"
    return {
        "ref": f"client {number}",
        "first_name": f"First {number}",
        "last_name": f"Last {number}",
        "email_addresses": [{"email": email, "kind": "home", "email_ok": True}],
        "phones": [{"number": f"+1212555{number:04d}", "kind": "mobile"}],
        "portal_access": {"email": email, "enabled": True, "pay_by_card": False},
    }
