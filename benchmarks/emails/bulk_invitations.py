"""Measures a run of invitations to many clients: the rate it keeps, and how long sign-in mail takes meanwhile."""

import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.instruments import figures
from benchmarks.instruments.sink import Sink
from benchmarks.report import Row
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import RunKind
from portico.domain.access.onboarding import bulk_client_creation, bulk_selection, invitation_runs
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.client_list import ClientQuery
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from tests import cast
from tests.support.processes.commands import Processes, url_of_test_database

INVITATIONS, PER_SECOND = 5_000, 25
# Asks for sign-in links during the run, and before it for comparison, with so many seconds between them.
ASKS, SECONDS_BETWEEN_ASKS = 180, 1.0
MOST_SECONDS = 600.0
SECTION = "Bulk invitations"
ACCESS = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)


def measure() -> Iterator[Row]:
    """Invites the clients of one practice, while clients of another ask for sign-in links, as others did before."""
    practice = _practice_of("bulk", INVITATIONS)
    before, meanwhile = _practice_of("before", ASKS), _practice_of("meanwhile", ASKS)
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="portico-bench-bulk-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            for _ in range(2):
                worker = processes.worker(EMAIL_URL=sink.url, EMAIL_PER_SECOND=str(PER_SECOND))
                worker.wait_for_line("worker.started", seconds=60)
            asked_before = _ask(before)
            _start(practice)
            began = time.perf_counter()
            asked_meanwhile = _ask(meanwhile)
            sink.wait_for(INVITATIONS + 2 * ASKS, seconds=MOST_SECONDS)
        finally:
            processes.end()
            sink.stop()
    asked = asked_before | asked_meanwhile
    times = sorted(at for address, at in sink.taken_at.items() if address not in asked)
    name = f"{INVITATIONS:,} at {PER_SECOND} a second, two workers"
    yield Row(SECTION, f"{name}, elapsed", f"{times[-1] - began:.0f} s", f"{INVITATIONS / PER_SECOND * 1.1:.0f} s")
    most = f"{PER_SECOND * 1.05:.0f}"
    yield Row(SECTION, f"{name}, most in a second at the mail server", str(_most_in_a_second(times)), most)
    for when, asked_at in (("before", asked_before), ("meanwhile", asked_meanwhile)):
        waits = [sink.taken_at[address] - at for address, at in asked_at.items()]
        p50, p99 = (figures.percentile(waits, percent) for percent in (50, 99))
        wait = f"p50 {p50:.2f} s, p99 {p99:.2f} s, longest {max(waits):.2f} s"
        yield Row(SECTION, f"sign-in request to mail server {when}, {ASKS} requests, elapsed", wait, "p99 0.5 s")


def _practice_of(slug: str, number: int) -> Practice:
    """Creates a practice with so many clients who have access."""
    practice = Practice.objects.create(slug=slug, name=f"A practice, {slug}", reply_to=f"desk@{slug}.example")
    new = []
    for place in range(number):
        address = AddressInput(f"{slug}.{place}@mail.example", "home", email_ok=True)
        new.append(NewClient(ClientInput(ClientDetails(f"Person {place}"), (address,)), ACCESS, address))
    bulk_client_creation.create_all(practice, new, by=cast.DESK)
    return practice


def _start(practice: Practice) -> None:
    selection = Selection(RunKind.INVITE, listed=ClientQuery())
    shown = bulk_selection.preview(practice, selection).digest
    invitation_runs.start(
        practice, selection, shown=shown, form_key=tokens.new_token(), requested_by=cast.fay(practice)
    )


def _ask(practice: Practice) -> dict[str, float]:
    """Asks for a link for each client, from a network each; returns when, by address."""
    asked_at = {}
    for place in range(ASKS):
        time.sleep(SECONDS_BETWEEN_ASKS)
        address = f"{practice.slug}.{place}@mail.example"
        asked_at[address] = time.perf_counter()
        cast.asked(practice, address, ip=f"203.0.113.{place}")
    return asked_at


def _most_in_a_second(times: Sequence[float]) -> int:
    """Returns the largest number of the sorted times within any second."""
    return max(bisect_left(times, begins + 1) - place for place, begins in enumerate(times))
