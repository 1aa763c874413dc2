"""The list of a practice's clients: searched, filtered, sorted, a page at a time; each answered from an index."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from portico.domain.clients import search_terms
from portico.domain.clients.models import Client, ClientQuerySet, PortalState
from portico.domain.clients.search_terms import Matches
from portico.domain.practices.models import Practice

PAGE_SIZE = 25
# Beyond it a count says only that there are more: counting on would take ever longer.
MAX_COUNTED = 1000
# Among very many matches the list's own order soon comes upon a page of them. It is followed so far and no further.
_STRETCH_LENGTH = 3_000


class Sort(StrEnum):
    NAME = "name"
    NAME_BACKWARDS = "-name"
    NEWEST = "newest"


@dataclass(frozen=True)
class ListQuery:
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
        return self.number > MAX_COUNTED

    @property
    def at_most(self) -> int:
        return min(self.number, MAX_COUNTED)


@dataclass(frozen=True)
class Page:
    """Some clients, how many there are of their kind, and where the next page begins (empty: nowhere)."""

    clients: list[Client]
    total: Count
    next_after: str
    is_first: bool


def page(practice: Practice, list_query: ListQuery) -> Page:
    """One page of the clients that are wanted, each with clinician and access. An unknown `after` begins anew."""
    matches = search_terms.look_up(practice, list_query.query) if list_query.query else None
    last = _find_by_ref(practice, list_query.after)
    rows = _rows(practice, list_query, matches, last)
    shown = rows[:PAGE_SIZE]
    return Page(
        clients=shown,
        total=_total(practice, list_query, matches),
        next_after=shown[-1].ref if len(rows) > PAGE_SIZE else "",
        is_first=last is None,
    )


def count(clients: ClientQuerySet) -> Count:
    """How many there are, without looking beyond MOST_COUNTED."""
    return Count(clients.values("pk")[: MAX_COUNTED + 1].count())


def counts_by_state(practice: Practice) -> dict[PortalState, Count]:
    """How many of the practice's present clients stand where with the portal: one small query a state."""
    return {state: count(_matching_filters(practice, ListQuery(state=state))) for state in PortalState}


def sum_of(counts: dict[PortalState, Count]) -> Count:
    """All of them together; every client is in exactly one state."""
    return Count(sum(each.number for each in counts.values()))


# The column each order follows, and whether backwards. Who share a value follow their ids the same way.
_COLUMNS = {
    Sort.NAME: ("sort_key", False),
    Sort.NAME_BACKWARDS: ("sort_key", True),
    Sort.NEWEST: ("created_at", True),
}


def _rows(practice: Practice, list_query: ListQuery, matches: Matches | None, last: Client | None) -> list[Client]:
    """The clients of a page, and one more if there are more."""
    clients = _after(_matching_filters(practice, list_query), last, list_query.sort)
    if matches is None:
        return _first(clients, list_query.sort)
    if matches.are_many:
        found = _first(matches.along(_first_stretch(clients, list_query.sort)), list_query.sort)
        if len(found) > PAGE_SIZE:
            return found
    return _first_of_batches(matches, list_query, last)


def _first_of_batches(matches: Matches, list_query: ListQuery, last: Client | None) -> list[Client]:
    """The first of each batch, then the first of those: the database alone knows its order."""
    candidates = [
        pk
        for batch in matches.batches()
        for pk in _in_order(
            _after(_with_filters(batch, list_query), last, list_query.sort), list_query.sort
        ).values_list("pk", flat=True)[: PAGE_SIZE + 1]
    ]
    return _first(Client.objects.filter(pk__in=candidates), list_query.sort)


def _total(practice: Practice, list_query: ListQuery, matches: Matches | None) -> Count:
    if matches is None:
        return count(_matching_filters(practice, list_query))
    total = Count(0)
    for batch in matches.batches():
        total = Count(total.number + count(_with_filters(batch, list_query)).number)
        if total.is_more:
            break
    return total


def _matching_filters(practice: Practice, list_query: ListQuery) -> ClientQuerySet:
    """All that are wanted but for the query, in their order: so PostgreSQL walks an index even to count them."""
    return _in_order(_with_filters(Client.objects.filter(practice=practice), list_query), list_query.sort)


def _with_filters(clients: ClientQuerySet, list_query: ListQuery) -> ClientQuerySet:
    if list_query.archived:
        return clients.archived()
    clients = clients.present()
    return clients if list_query.state is None else clients.filter(portal_state=list_query.state)


def _first(clients: ClientQuerySet, sort: Sort) -> list[Client]:
    return list(_in_order(clients, sort).select_related("clinician", "portal_access")[: PAGE_SIZE + 1])


def _in_order(clients: ClientQuerySet, sort: Sort) -> ClientQuerySet:
    column, is_descending = _COLUMNS[sort]
    return clients.order_by(f"-{column}", "-id") if is_descending else clients.order_by(column, "id")


def _find_by_ref(practice: Practice, ref: str) -> Client | None:
    return Client.objects.filter(practice=practice, ref=ref).first() if ref else None


def _after(clients: ClientQuerySet, last: Client | None, sort: Sort) -> ClientQuerySet:
    """What follows a client in the order."""
    column, is_descending = _COLUMNS[sort]
    return clients if last is None else _on_side_of(clients, last, column, "lt" if is_descending else "gt")


def _first_stretch(clients: ClientQuerySet, sort: Sort) -> ClientQuerySet:
    """The first stretch of clients that are in order."""
    column, is_descending = _COLUMNS[sort]
    end = clients.only(column)[_STRETCH_LENGTH : _STRETCH_LENGTH + 1].first()
    return clients if end is None else _on_side_of(clients, end, column, "gt" if is_descending else "lt")


def _on_side_of(clients: ClientQuerySet, client: Client, column: str, side: str) -> ClientQuerySet:
    """Who stands on one side of a client: what an index can begin or end at, and what is exact."""
    value = getattr(client, column)
    exact = Q((f"{column}__{side}", value)) | Q((f"pk__{side}", client.pk))
    return clients.filter(exact, Q((f"{column}__{side}e", value)))
