"""The list of a practice's clients: searched, filtered, sorted, a page at a time; each answered from an index."""

from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from django.db.models import Q

from portico.domain.clients import searching
from portico.domain.clients.models import Client, ClientQuerySet, PortalState
from portico.domain.practices.models import Practice

PAGE_SIZE = 25
# Beyond it a count says only that there are more: counting on would take ever longer.
MOST_COUNTED = 1000


class Sort(StrEnum):
    NAME = "name"
    NAME_BACKWARDS = "-name"
    NEWEST = "newest"


@dataclass(frozen=True)
class Wanted:
    """What is asked for; `after` is the ref of the last client of the page before."""

    query: str = ""
    state: PortalState | None = None
    archived: bool = False
    sort: Sort = Sort.NAME
    after: str = ""


@dataclass(frozen=True)
class Count:
    """A number of clients, counted up to MOST_COUNTED."""

    number: int

    @property
    def is_more(self) -> bool:
        return self.number > MOST_COUNTED

    @property
    def at_most(self) -> int:
        return min(self.number, MOST_COUNTED)


@dataclass(frozen=True)
class Page:
    """Some clients, how many there are of their kind, and where the next page begins (empty: nowhere)."""

    clients: list[Client]
    total: Count
    next_after: str
    is_first: bool


def page(practice: Practice, wanted: Wanted) -> Page:
    """One page of the clients that are wanted, each with clinician and access. An unknown `after` begins anew."""
    clients = _found(practice, wanted)
    last = _last_seen(practice, wanted.after)
    rows = list(
        _beyond(clients, last, wanted.sort)
        .select_related("clinician", "portal_access")
        .order_by(*_ORDERS[wanted.sort])[: PAGE_SIZE + 1]
    )
    more = len(rows) > PAGE_SIZE
    shown = rows[:PAGE_SIZE]
    return Page(
        clients=shown,
        total=count(clients),
        next_after=shown[-1].ref if more else "",
        is_first=last is None,
    )


def count(clients: ClientQuerySet) -> Count:
    """How many there are, without looking beyond MOST_COUNTED."""
    # In an order, so that PostgreSQL walks an index and not the table.
    return Count(clients.order_by("sort_key", "id").values("pk")[: MOST_COUNTED + 1].count())


def counts_by_state(practice: Practice) -> dict[PortalState, Count]:
    """How many of the practice's present clients stand where with the portal: one small query a state."""
    present = Client.objects.filter(practice=practice).present()
    return {state: count(present.filter(portal_state=state)) for state in PortalState}


def sum_of(counts: dict[PortalState, Count]) -> Count:
    """All of them together; every client is in exactly one state."""
    return Count(sum(each.number for each in counts.values()))


_ORDERS = {
    Sort.NAME: ("sort_key", "id"),
    Sort.NAME_BACKWARDS: ("-sort_key", "-id"),
    Sort.NEWEST: ("-created_at", "-id"),
}


def _found(practice: Practice, wanted: Wanted) -> ClientQuerySet:
    clients = Client.objects.filter(practice=practice)
    if wanted.query:
        clients = cast(ClientQuerySet, searching.matching(practice, wanted.query))
    if wanted.archived:
        return clients.archived()
    clients = clients.present()
    return clients if wanted.state is None else clients.filter(portal_state=wanted.state)


def _last_seen(practice: Practice, ref: str) -> Client | None:
    return Client.objects.filter(practice=practice, ref=ref).first() if ref else None


def _beyond(clients: ClientQuerySet, last: Client | None, sort: Sort) -> ClientQuerySet:
    """What follows a client in the order: the first condition is what an index can begin at, the second is exact."""
    if last is None:
        return clients
    match sort:
        case Sort.NAME:
            key = last.sort_key
            return clients.filter(Q(sort_key__gt=key) | Q(pk__gt=last.pk), sort_key__gte=key)
        case Sort.NAME_BACKWARDS:
            key = last.sort_key
            return clients.filter(Q(sort_key__lt=key) | Q(pk__lt=last.pk), sort_key__lte=key)
        case Sort.NEWEST:
            at = last.created_at
            return clients.filter(Q(created_at__lt=at) | Q(pk__lt=last.pk), created_at__lte=at)
