"""Measures what an invitation costs: writing it, and handing it over by two workers."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.instruments import processor, server_time
from benchmarks.instruments.sink import Sink
from benchmarks.report import Row
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.onboarding import bulk_client_creation, invitation_text, invitations
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from tests import cast
from tests.support.processes.commands import Process, Processes, url_of_test_database

INVITATIONS = 5_000
MOST_SECONDS = 600.0
SECTION = "Invitations"
ACCESS = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)


def measure() -> Iterator[Row]:
    """Invites clients who have access, then lets two workers deliver all of it."""
    practice = Practice.objects.create(slug="inviting", name="A practice that invites", reply_to="desk@invite.example")
    clients = bulk_client_creation.create_all(
        practice, [_new_client(number) for number in range(INVITATIONS)], by=cast.DESK
    )
    writing_ms = _write(clients)
    yield Row(SECTION, "writing an invitation", f"{writing_ms:.1f} ms", "", writing_ms)
    elapsed, handing_over_ms = _hand_over()
    yield Row(SECTION, "handing over an invitation", f"{handing_over_ms:.1f} ms", "", handing_over_ms)
    yield Row(SECTION, "both", f"{writing_ms + handing_over_ms:.1f} ms", "16 ms")
    yield Row(SECTION, f"{INVITATIONS:,} handed over by two workers", f"{elapsed:.0f} s elapsed")


def _new_client(number: int) -> NewClient:
    address = AddressInput(f"invited.{number}@mail.example", "home", email_ok=True)
    return NewClient(ClientInput(ClientDetails(f"Person {number}"), (address,)), ACCESS, address)


def _write(clients: list[Client]) -> float:
    """Returns the milliseconds of each, of this process and of the database."""
    entries = [(client, cast.entry_for(client)) for client in clients]
    text = invitation_text.default_text("en")
    database_began, began = server_time.database_seconds(), time.process_time()
    for client, entry in entries:
        invitations.send(client, entry, text, form_key=tokens.new_token(), version=None, by=cast.DESK)
    used = time.process_time() - began + server_time.database_seconds() - database_began
    return used * 1000 / len(clients)


def _hand_over() -> tuple[float, float]:
    """Returns the seconds until all mails arrived, and the processor's milliseconds for each in both workers."""
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="portico-bench-invitations-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            workers = [processes.worker(EMAIL_URL=sink.url) for _ in range(2)]
            for worker in workers:
                worker.wait_for_line("worker.started", seconds=60)
            began, before = time.monotonic(), _used(workers)
            sink.wait_for(INVITATIONS, seconds=MOST_SECONDS)
            return time.monotonic() - began, (_used(workers) - before) * 1000 / INVITATIONS
        finally:
            processes.end()
            sink.stop()


def _used(workers: list[Process]) -> float:
    return sum(processor.seconds_of({worker.name: worker.pid for worker in workers}).values())
