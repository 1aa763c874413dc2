"""The client list at its full size: the first page, each chip, each order, the next page, and each kind of search."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from benchmarks.instruments import figures, plans
from benchmarks.instruments.plans import Plan
from benchmarks.report import LISTS, Row
from benchmarks.rows import people
from portico.domain.access.sign_in.requests import near_misses
from portico.domain.clients import client_list, search_terms
from portico.domain.clients.client_list import ClientQuery, Sort
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing.text.mailboxes import mailbox_key

# So many rounds, fewer if they would take longer than this.
ROUNDS, MOST_SECONDS = 40, 1.5


@dataclass(frozen=True)
class LookUp:
    """One way to look at the list; `find` is called once a round.

    `matches` is how many terms a search begins with: what its work may grow with, unlike with the practice.
    """

    name: str
    find: Callable[[], object]
    matches: int = 0


@dataclass
class Measured:
    """The time that a look-up took in the database, and its query plans."""

    name: str
    seconds: list[float] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        return [complaint for plan in self.plans for complaint in plan.complaints]


def measure(all_look_ups: Iterable[LookUp], *, show_plans: bool) -> Iterator[Row]:
    """Measures each look-up, first once for its plans, then many times for its time."""
    for look_up in all_look_ups:
        measured = _measure(look_up)
        median = figures.percentile(measured.seconds, 50) * 1000
        yield Row(LISTS, look_up.name, figures.spread(measured.seconds), "", median, measured.complaints)
        if show_plans:
            _print_plans(measured.plans)


def _print_plans(shown: Iterable[Plan]) -> None:
    for plan in shown:
        print(f"    {plan.query.sql}")
        for line in plan.lines:
            print(f"        {line}")


def _measure(look_up: LookUp) -> Measured:
    measured = Measured(look_up.name)
    with plans.watched() as asked:
        look_up.find()
    measured.plans = [plan for query in asked.queries if (plan := plans.explain(query, matches=look_up.matches))]
    ends_at = time.perf_counter() + MOST_SECONDS
    while len(measured.seconds) < ROUNDS and (not measured.seconds or time.perf_counter() < ends_at):
        began = time.perf_counter()
        look_up.find()
        measured.seconds.append(time.perf_counter() - began)
    return measured


def look_ups(practice: Practice) -> Iterator[LookUp]:
    def page(name: str, wanted: ClientQuery) -> LookUp:
        return LookUp(name, lambda: client_list.page(practice, wanted))

    for sort in Sort:
        yield page(f"first page, by {sort}", ClientQuery(sort=sort))
        after = _after_some_pages(practice, sort)
        yield page(f"a page far on, by {sort}", ClientQuery(sort=sort, after=after))
    for state in PortalState:
        for sort in (Sort.NAME, Sort.NEWEST):
            yield page(f"only {state}, by {sort}", ClientQuery(state=state, sort=sort))
    yield page("archived", ClientQuery(archived=True))
    yield LookUp("the numbers on the chips", lambda: client_list.numbers_of(practice))
    present = Client.objects.filter(practice=practice, email_addresses__closed_at=None).present().order_by("id")
    person = present[present.count() // 2]
    address = person.email_addresses.open()[0].address
    number = person.phone_numbers.all()[0].number
    words = {
        "the first letter of a name": person.last_name[:1],
        "two letters of a name": person.last_name[:2],
        "four letters of a name": person.last_name[:4],
        "a whole name": f"{person.first_name} {person.last_name}",
        "the beginnings of two names": f"{person.first_name[:2]} {person.last_name[:3]}",
        "a name that no client has": "zzyzx",
        "an email address": address,
        "the beginning of an address": f"{address.partition('@')[0]}@",
        "a phone number": number,
        "a phone number without its country": f"({number[2:5]}) {number[5:8]}-{number[8:]}",
        "the beginning of a phone number": number[2:6],
    }
    for name, query in words.items():
        yield LookUp(
            f"search: {name}", partial(client_list.page, practice, ClientQuery(query)), _matches(practice, query)
        )
    yield from _hard_searches(practice, two_letters=person.last_name[:2])
    # Two letters changed places, as in an address that was typed in a hurry.
    mistyped = f"{address[1]}{address[0]}{address[2:]}"
    yield LookUp("near miss of a mistyped address", partial(near_misses.nearest, practice, mailbox_key(mistyped)))


def _hard_searches(practice: Practice, *, two_letters: str) -> Iterator[LookUp]:
    """Words that very many have: in every order, further on, in a state that few have, and at the end of the list."""
    last = Client.objects.filter(practice=practice, first_name=people.LAST_OF_ALL).present().order_by("sort_key")[5]
    wanted = {
        **{f"two letters, by {sort}": ClientQuery(two_letters, sort=sort) for sort in Sort},
        **{f"two letters, only {state}": ClientQuery(two_letters, state=state) for state in PortalState},
        "two letters, archived": ClientQuery(two_letters, archived=True),
        "two letters, a page far on": ClientQuery(two_letters, after=_after_some_pages(practice, Sort.NAME)),
        **{f"the last name of all, by {sort}": ClientQuery(people.LAST_OF_ALL, sort=sort) for sort in Sort},
        "the last name of all, a page on": ClientQuery(people.LAST_OF_ALL, after=last.ref),
        "the last name of all, only invited": ClientQuery(people.LAST_OF_ALL, state=PortalState.INVITED),
        "the last name of all, and a letter": ClientQuery(f"{people.LAST_OF_ALL} a"),
        "two letters that many have": ClientQuery("a b"),
    }
    for name, each in wanted.items():
        yield LookUp(f"search: {name}", partial(client_list.page, practice, each), _matches(practice, each.query))


def _matches(practice: Practice, query: str) -> int:
    """Counts the terms that begin with the word from which a search for common words starts."""
    common = search_terms.look_up(practice, query).common
    return common[0].count() if common else 0


def _after_some_pages(practice: Practice, sort: Sort) -> str:
    """Returns the position after many pages, found without reading them."""
    present = Client.objects.filter(practice=practice).present()
    order = {Sort.NAME: "sort_key", Sort.NAME_BACKWARDS: "-sort_key", Sort.NEWEST: "-created_at"}[sort]
    return present.order_by(order, "id")[present.count() // 2].ref
