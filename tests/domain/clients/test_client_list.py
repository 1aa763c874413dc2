"""The client list: keyset pagination, limited counts, and one practice only."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import client_changes
from portico.domain.clients import client_list, search_terms
from portico.domain.clients.client_list import ClientQuery, Sort
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def add(practice: Practice, *names: str, **facts: str) -> None:
    Client.objects.bulk_create(
        Client(practice=practice, first_name=name, sort_key=name.casefold(), **facts) for name in names
    )


def walk(practice: Practice, wanted: ClientQuery) -> list[list[str]]:
    """Returns the clients of every page, page by page."""
    pages, after = list[list[str]](), ""
    while True:
        wanted = replace(wanted, after=after)
        page = client_list.page(practice, wanted).page
        pages.append([client.first_name for client in page.rows])
        after = page.next_ref
        if not after:
            return pages


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_list_each_client_once_in_order(practice: Practice, sort: Sort) -> None:
    add(practice, *["Ana"] * 30, *["Bea"] * 30)

    pages = walk(practice, ClientQuery(sort=sort))

    assert [len(page) for page in pages] == [25, 25, 10]
    names = [name for page in pages for name in page]
    # All were created at the same time, so the newest are those with the highest id.
    assert names == sorted(names, reverse=sort is not Sort.NAME)


def test_a_full_last_page_has_no_next_page(practice: Practice) -> None:
    add(practice, *["Ana"] * 25)

    page = client_list.page(practice, ClientQuery()).page

    assert (len(page.rows), page.next_ref, page.is_first) == (25, "", True)


def test_a_state_filter_shows_its_clients_only(practice: Practice) -> None:
    add(practice, "Ana", portal_state=PortalState.INVITED)
    add(practice, "Bea", portal_state=PortalState.SIGNED_IN)

    assert walk(practice, ClientQuery(state=PortalState.INVITED)) == [["Ana"]]


def test_archived_clients_are_listed_separately(practice: Practice) -> None:
    client_changes.archive(cast.ana(practice), by=cast.DESK)

    assert walk(practice, ClientQuery()) == [[]]
    assert walk(practice, ClientQuery(query="ana")) == [[]]
    assert walk(practice, ClientQuery(archived=True)) == [["Ana"]]
    assert walk(practice, ClientQuery(query="ana", archived=True)) == [["Ana"]]


def test_search_results_are_paginated(practice: Practice) -> None:
    for number in range(27):
        cast.client(practice, f"Ana{number:02}")
    cast.carol(practice)

    assert [len(page) for page in walk(practice, ClientQuery(query="ana"))] == [25, 2]


def test_another_practices_ref_is_ignored_as_cursor(practice: Practice) -> None:
    cast.ana(practice)
    dora = cast.dora(cast.birch())

    page = client_list.page(practice, ClientQuery(after=dora.ref)).page

    assert page.is_first
    assert [client.first_name for client in page.rows] == ["Ana"]


@pytest.mark.parametrize("number", [0, 1, 1000, 1001])
def test_counting_stops_after_a_thousand(practice: Practice, number: int) -> None:
    add(practice, *[f"N{place}" for place in range(number + 3 if number > 1000 else number)])

    counted = client_list.numbers_of(practice).by_state[PortalState.NO_ACCESS]

    assert counted == number


@pytest.fixture
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than ten terms are common, of which each query reads five clients; a stretch has four."""
    monkeypatch.setattr(search_terms, "_MAX_RARE", 10)
    monkeypatch.setattr(search_terms, "_BATCH", 5)
    monkeypatch.setattr(client_list, "_STRETCH_LENGTH", 4)


def work_of(practice: Practice, query: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        client_list.page(practice, ClientQuery(query))
    return len(asked)


@pytest.mark.usefixtures("_few_are_many")
def test_a_word_that_very_many_have_takes_no_more_work(practice: Practice) -> None:
    for name in ("Ada", "Bob", "Cyd", "Dan", "Eve"):
        cast.client(practice, name)
    for _number in range(15):
        cast.client(practice, "Zoe", "Smith")
    work = work_of(practice, "smith")
    for _number in range(30):
        cast.client(practice, "Zoe", "Smith")
    assert work_of(practice, "smith") == work
    found = client_list.page(practice, ClientQuery("smith"))
    assert found.is_cut_off
    assert {client.last_name for client in found.page.rows} == {"Smith"}
    assert not client_list.page(practice, ClientQuery("ada")).is_cut_off


@pytest.mark.usefixtures("_few_are_many")
def test_a_whole_name_of_two_common_words_is_found(practice: Practice) -> None:
    for _number in range(15):
        cast.client(practice, "Zoe", "Smith")
        cast.client(practice, "Yan", "Ortiz")
    cast.client(practice, "Yan", "Smith")
    found = client_list.page(practice, ClientQuery("yan smith"))
    assert [client.name for client in found.page.rows] == ["Yan Smith"]
    assert found.is_cut_off


@pytest.mark.sqlite  # PostgreSQL scans so small a table; `make bench` shows its plans for a large one.
@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("state", [None, PortalState.INVITED])
def test_the_first_page_uses_an_index(practice: Practice, sort: Sort, state: PortalState | None) -> None:
    with CaptureQueriesContext(connection) as asked, connection.cursor() as cursor:
        client_list.page(practice, ClientQuery(state=state, sort=sort))
        (first_page,) = [query["sql"] for query in asked.captured_queries if query["sql"].endswith("LIMIT 26")]
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {first_page}").fetchall())

    assert "USING INDEX clients_" in plan
    assert "TEMP B-TREE" not in plan
