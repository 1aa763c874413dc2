"""The list of a practice's clients: searched, filtered, sorted and paginated, always using an index."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from portico.domain.clients import coming_of_age, search_terms
from portico.domain.clients.models import Client, ClientQuerySet, PortalState
from portico.domain.clients.search_terms import Matches
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, CountUpTo, Parameter
from portico.plumbing.database.keyset_pagination import KeysetPage

PAGE_SIZE = 25
# Above this a count only says that there are more, because counting all of them takes too long.
MAX_COUNTED = 1000
# With very many matches, the first page is usually among this many clients in the list's order.
_STRETCH_LENGTH = 3_000


class Sort(StrEnum):
    NAME = "name"
    NAME_BACKWARDS = "-name"
    NEWEST = "newest"


@dataclass(frozen=True)
class ClientQuery:
    """Search, filters, order and position of a page; `after` is the ref of the last client on the page before."""

    query: str = ""
    state: PortalState | None = None
    archived: bool = False
    sort: Sort = Sort.NAME
    after: str = ""
    clinician: StaffMember | None = None


@dataclass(frozen=True)
class FoundClients:
    """A page of clients with clinician and portal access, and the number of all matches, up to MAX_COUNTED + 1.

    If `is_cut_off`, very many clients match the search, and neither the page nor the number has to include all.
    """

    page: KeysetPage[Client]
    total: int
    is_cut_off: bool


def page(practice: Practice, list_query: ClientQuery) -> FoundClients:
    """Returns a page of the list; the first page if `after` is unknown."""
    matches = search_terms.look_up(practice, list_query.query) if list_query.query else None
    last = _find_by_ref(practice, list_query.after)
    rows = _rows(practice, list_query, matches, last)
    found = keyset_pagination.page_of(rows, is_first=last is None, size=PAGE_SIZE)
    is_cut_off = matches is not None and matches.are_many
    return FoundClients(found, _total(practice, list_query, matches), is_cut_off)


def ids_of_all(practice: Practice, list_query: ClientQuery, *, most: int) -> list[int]:
    """Returns the ids of all clients that match the search and the filters, up to `most`, in the list's order."""
    clients = Client.objects.filter(practice=practice)
    if list_query.query:
        clients = search_terms.matching(practice, list_query.query)
    found = _in_order(_with_filters(clients, list_query), list_query.sort)
    return list(found.values_list("pk", flat=True)[:most])


def count(clients: ClientQuerySet) -> int:
    """Counts the clients, up to MAX_COUNTED + 1."""
    return clients.values("pk")[: MAX_COUNTED + 1].count()


@dataclass(frozen=True)
class ListNumbers:
    """The numbers of the practice's unarchived clients, counted as by `count`: in each portal state, and of those who
    come of age, with a guardian about whose access staff have to decide.
    """

    by_state: dict[PortalState, int]
    coming_of_age: int


def numbers_of(practice: Practice) -> ListNumbers:
    """Returns the numbers, in one query."""
    born = coming_of_age.birth_dates(practice)
    (found,) = _numbers.rows(practice=practice.pk, born_from=born.first, born_until=born.last)
    *by_state, soon_of_age = found
    return ListNumbers(dict(zip(PortalState, by_state, strict=True)), soon_of_age)


@CompiledQuery
def _numbers(practice: Parameter, born_from: Parameter, born_until: Parameter) -> QuerySet[Practice, tuple[int, ...]]:
    lists = [_matching_filters(practice, ClientQuery(state=state)) for state in PortalState]
    lists.append(coming_of_age.to_decide(practice, born_from=born_from, born_until=born_until))
    counts = [CountUpTo(clients, MAX_COUNTED + 1) for clients in lists]
    return Practice.objects.filter(pk=practice).values_list(*counts)


# The column of each order, and whether it is descending. Clients with equal values are ordered by id, the same way.
_COLUMNS = {
    Sort.NAME: ("sort_key", False),
    Sort.NAME_BACKWARDS: ("sort_key", True),
    Sort.NEWEST: ("created_at", True),
}


def _rows(practice: Practice, list_query: ClientQuery, matches: Matches | None, last: Client | None) -> list[Client]:
    """Returns the clients of a page, plus one if there are more."""
    clients = _after(_matching_filters(practice, list_query), last, list_query.sort)
    if matches is None:
        return _first(clients, list_query.sort)
    found: list[Client] = []
    if matches.are_many:
        found = _first(matches.along(_first_stretch(clients, list_query.sort)), list_query.sort)
        if len(found) > PAGE_SIZE:
            return found
    return _first_of_batches(matches, list_query, last, found)


def _first_of_batches(
    matches: Matches, list_query: ClientQuery, last: Client | None, found: list[Client]
) -> list[Client]:
    """Returns the first of those found and of each batch, sorted by the database, since only it knows its collation."""
    candidates = [client.pk for client in found] + [
        pk
        for batch in matches.batches()
        for pk in _in_order(
            _after(_with_filters(batch, list_query), last, list_query.sort), list_query.sort
        ).values_list("pk", flat=True)[: PAGE_SIZE + 1]
    ]
    return _first(Client.objects.filter(pk__in=candidates), list_query.sort)


def _total(practice: Practice, list_query: ClientQuery, matches: Matches | None) -> int:
    if matches is None:
        return count(_matching_filters(practice, list_query))
    total = 0
    for batch in matches.batches():
        total += count(_with_filters(batch, list_query))
        if total > MAX_COUNTED:
            break
    return total


def _matching_filters(practice: Practice | Parameter, list_query: ClientQuery) -> ClientQuerySet:
    """Returns the clients that match the filters, in order, so that PostgreSQL uses an index even for counting."""
    return _in_order(_with_filters(Client.objects.filter(practice=practice), list_query), list_query.sort)


def _with_filters(clients: ClientQuerySet, list_query: ClientQuery) -> ClientQuerySet:
    if list_query.clinician is not None:
        clients = clients.filter(clinician=list_query.clinician)
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
    """Returns the clients after the last one in the order (keyset pagination)."""
    column, is_descending = _COLUMNS[sort]
    return clients if last is None else _on_side_of(clients, last, column, "lt" if is_descending else "gt")


def _first_stretch(clients: ClientQuerySet, sort: Sort) -> ClientQuerySet:
    """Returns the first `_STRETCH_LENGTH` clients in the order."""
    column, is_descending = _COLUMNS[sort]
    end = clients.only(column)[_STRETCH_LENGTH : _STRETCH_LENGTH + 1].first()
    return clients if end is None else _on_side_of(clients, end, column, "gt" if is_descending else "lt")


def _on_side_of(clients: ClientQuerySet, client: Client, column: str, side: str) -> ClientQuerySet:
    """Returns the clients on one side of a client; the second, redundant condition lets the index be used."""
    value = getattr(client, column)
    exact = Q((f"{column}__{side}", value)) | Q((f"pk__{side}", client.pk))
    return clients.filter(exact, Q((f"{column}__{side}e", value)))
