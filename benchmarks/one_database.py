"""All measurements on the database that Django is connected to."""

import time
from collections.abc import Callable, Iterator

from django.core.management import call_command

from benchmarks import documents, entrance, idle, pages, papers, seed_loading, starts, webhooks
from benchmarks.emails import bulk_invitations, invitations, mail, report_delays
from benchmarks.lists import client_lists, document_lists, invoice_lists
from benchmarks.report import Row
from benchmarks.rows import invoices, people, shared_documents
from portico.domain.clients.models import Client, SearchTerm
from portico.domain.practices.models import Practice

SMALL = 1_000
# In this order: the idle worker first, while the database is empty.
UNSIZED: dict[str, Callable[[], Iterator[Row]]] = {
    "idle": idle.measure,
    "start": starts.measure,
    "memory": starts.measure_memory,
    "seeding": seed_loading.measure,
    "webhooks": webhooks.measure,
    "invitations": invitations.measure,
    "bulk": bulk_invitations.measure,
    "mail": mail.measure,
    "reports": report_delays.measure,
    "entrance": entrance.measure,
    "papers": papers.measure,
    "documents": documents.measure,
}


def run(*, clients: int, show_plans: bool, parts: set[str]) -> list[Row]:
    """Measures the parts, and prints and returns every figure."""
    rows = []
    for row in _measure(clients, parts, show_plans=show_plans):
        print(f"{row.name:48} {row.figure}{f'  (at most {row.limit})' if row.limit else ''}", flush=True)
        for complaint in row.complaints:
            print(f"    {complaint}")
        rows.append(row)
    return rows


def _measure(clients: int, parts: set[str], *, show_plans: bool) -> Iterator[Row]:
    call_command("migrate", verbosity=0)
    for part, measure in UNSIZED.items():
        if part in parts:
            print(f"\n{part}")
            yield from measure()
    if not parts - UNSIZED.keys():
        return
    practice, person = _filled(clients)
    if "pages" in parts:
        yield from pages.measure(practice)
    if "list" in parts:
        yield from client_lists.measure(client_lists.look_ups(practice), show_plans=show_plans)
    if "invoices" in parts:
        yield from client_lists.measure(invoice_lists.look_ups(practice, person), show_plans=show_plans)
    if "requests" in parts:
        access = shared_documents.fill(practice)
        people.settle()
        look_ups = document_lists.look_ups(practice, access)
        yield from client_lists.measure(look_ups, show_plans=show_plans)


def _filled(count: int) -> tuple[Practice, Client]:
    """Makes a large practice and another; returns the large one and a client with many invoices."""
    practice = Practice.objects.create(slug="large", name="A large practice", time_zone="America/New_York")
    other = Practice.objects.create(slug="small", name="Another practice")
    began = time.perf_counter()
    people.fill(practice, count)
    people.fill(other, min(count, SMALL))
    person = invoices.fill(practice, count)
    people.settle()
    seconds = time.perf_counter() - began
    print(f"\n{Client.objects.count():,} clients, {SearchTerm.objects.count():,} terms, made in {seconds:.0f} s")
    return practice, person
