"""All measurements on the database that Django is connected to."""

import time

from django.core.management import call_command

from benchmarks import bills, entrance, figures, idle, lookups, mail, pages, papers, people
from benchmarks.lookups import Measured
from portico.domain.clients.models import Client, SearchTerm
from portico.domain.practices.models import Practice

SMALL = 1_000


def run(*, clients: int, show_plans: bool, parts: set[str]) -> bool:
    """Prints every figure; False when something is answered by reading a whole table."""
    measured: list[Measured] = []
    if "idle" in parts:
        call_command("migrate", verbosity=0)
        idle.measure()
    if "mail" in parts:
        call_command("migrate", verbosity=0)
        mail.measure()
    if "entrance" in parts:
        call_command("migrate", verbosity=0)
        entrance.measure()
    if "papers" in parts:
        call_command("migrate", verbosity=0)
        papers.measure()
    if parts & {"list", "invoices", "pages"}:
        practice = _filled(clients)
        if "list" in parts:
            measured += _shown(lookups.measure(practice), show_plans=show_plans)
        if parts & {"invoices", "pages"}:
            one = bills.fill(practice, (3 if "invoices" in parts else 1) * clients)
            people.settle()
        if "invoices" in parts:
            measured += _shown(lookups.measure_all(bills.look_ups(practice, one)), show_plans=show_plans)
        if "pages" in parts:
            pages.measure(practice)
    return not any(each.complaints for each in measured)


def _filled(clients: int) -> Practice:
    call_command("migrate", verbosity=0)
    practice = Practice.objects.create(slug="large", name="A large practice", time_zone="America/New_York")
    other = Practice.objects.create(slug="small", name="Another practice")
    began = time.perf_counter()
    people.fill(practice, clients)
    people.fill(other, min(clients, SMALL))
    people.settle()
    seconds = time.perf_counter() - began
    print(f"{Client.objects.count():,} clients, {SearchTerm.objects.count():,} terms, made in {seconds:.0f} s")
    return practice


def _shown(measured: list[Measured], *, show_plans: bool) -> list[Measured]:
    print(f"\n{'Lists':44} {'p50':>7}   {'p99':>7}")
    for each in measured:
        print(f"{each.name:44} {figures.spread(each.seconds)}{'   <-- NOT FROM AN INDEX' if each.complaints else ''}")
        for complaint in each.complaints:
            print(f"    {complaint}")
        if show_plans:
            for plan in each.plans:
                print(f"    {plan.query.sql}")
                for line in plan.lines:
                    print(f"        {line}")
    return measured
