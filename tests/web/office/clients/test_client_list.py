"""The client list: search, filters, sorting and pagination."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import client_changes
from portico.domain.clients import search_terms
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.web.office.clients import client_list as client_list_page
from tests import cast

pytestmark = pytest.mark.django_db
ADDRESS = "/office/clients/"


def names(page: str) -> list[str]:
    return re.findall(r'<a class="open"[^>]*>([^<]+)</a>', page)


def shown(browser: Browser, query: str = "") -> list[str]:
    return names(browser.get(f"{ADDRESS}{query}").content.decode())


def link(page: str, label: str) -> str:
    found = re.search(rf'<a class="[^"]*" href="(\?[^"]*)">{label}', page)
    assert found is not None, label
    return found[1].replace("&amp;", "&")


def many(practice: Practice, number: int) -> None:
    for place in range(number):
        cast.client(practice, f"Person{place:03}")


def test_office_redirects_to_the_client_list(office: Browser) -> None:
    assert office.get("/office/").headers["Location"] == ADDRESS


def test_clients_are_sorted_by_name(office: Browser, practice: Practice) -> None:
    for make in (cast.carol, cast.ana, cast.bruno):
        make(practice)

    assert shown(office) == ["Ana Abreu", "Bruno Berg", "Carol Cole"]
    assert shown(office, "?sort=-name") == ["Carol Cole", "Bruno Berg", "Ana Abreu"]


def test_clients_can_be_sorted_newest_first(office: Browser, practice: Practice) -> None:
    for days, make in enumerate((cast.carol, cast.ana, cast.bruno)):
        with time_machine.travel(f"2026-11-2{days}T12:00:00Z", tick=False):
            make(practice)

    assert shown(office, "?sort=newest") == ["Bruno Berg", "Ana Abreu", "Carol Cole"]


def test_other_practices_clients_are_not_listed_or_found(office: Browser, practice: Practice) -> None:
    cast.ana(practice)
    cast.dora(cast.birch())

    assert shown(office) == ["Ana Abreu"]
    assert shown(office, "?q=dora") == []
    assert shown(office, "?q=dora@mail.example") == []


@pytest.mark.parametrize("query", ["abr", "ana", "ANA ABREU", "ana@mail", "212-555-0134", "%2B12125550134", "2125550"])
def test_search_by_prefix_of_name_email_or_phone(office: Browser, practice: Practice, query: str) -> None:
    cast.ana(practice)
    cast.carol(practice)

    assert shown(office, f"?q={query}") == ["Ana Abreu"]


def test_each_filter_shows_and_counts_its_clients(office: Browser, practice: Practice) -> None:
    cast.carol(practice)
    cast.with_access(cast.bruno(practice))
    cast.invited(cast.ana(practice))

    page = office.get(ADDRESS).content.decode()

    assert re.findall(r"(All|No access|Invited|Signed in|Needs attention) <b>(\d+)</b>", page) == [
        ("All", "3"),
        ("No access", "1"),
        ("Invited", "1"),
        ("Signed in", "0"),
        ("Needs attention", "1"),
    ]
    assert shown(office, "?state=no_access") == ["Carol Cole"]
    assert shown(office, "?state=invited") == ["Ana Abreu"]
    assert shown(office, "?state=needs_attention") == ["Bruno Berg"]
    assert shown(office, "?state=signed_in") == []


def test_rows_show_state_and_reason(office: Browser, practice: Practice) -> None:
    cast.with_access(cast.client(practice, "Xena", address="xena@mail.example", email_ok=False))
    cast.invited(cast.ana(practice))

    page = office.get(ADDRESS).content.decode()

    assert 'data-testid="portal-state" data-state="needs_attention"' in page
    assert "Email ok is not checked. No email can be sent" in page
    assert 'data-testid="portal-state" data-state="invited"' in page
    assert "Invited just now. Not signed in yet" in page


def test_counts_above_a_thousand_are_capped(office: Browser, practice: Practice) -> None:
    rows = [Client(practice=practice, first_name="N", sort_key=f"n {place:04}") for place in range(1001)]
    Client.objects.bulk_create(rows)

    page = office.get(ADDRESS).content.decode()

    assert "All <b>1,000+</b>" in page
    assert "25 of 1,000+ clients" in page


def test_archived_clients_have_their_own_list(office: Browser, practice: Practice) -> None:
    client_changes.archive(cast.ana(practice), by=cast.DESK)
    cast.carol(practice)

    assert shown(office) == ["Carol Cole"]
    assert shown(office, "?state=archived") == ["Ana Abreu"]
    assert shown(office, "?q=ana&state=archived") == ["Ana Abreu"]


@pytest.mark.parametrize("sort", ["name", "-name", "newest"])
def test_pages_list_every_client_once(office: Browser, practice: Practice, sort: str) -> None:
    many(practice, 53)
    for _ in range(3):  # The same name three times, across two pages.
        cast.client(practice, "Person024")
    query, seen = f"?sort={sort}", list[str]()
    pages = 0
    while query:
        page = office.get(ADDRESS + query).content.decode()
        seen += names(page)
        pages += 1
        query = link(page, "Next") if ">Next" in page else ""

    assert pages == 3
    assert len(seen) == 56
    if sort != "newest":
        assert seen == sorted(seen, reverse=sort == "-name")


def test_pagination_is_stable_while_clients_are_added(office: Browser, practice: Practice) -> None:
    many(practice, 30)
    following = link(office.get(ADDRESS).content.decode(), "Next")
    cast.client(practice, "Aaron")

    assert shown(office, following)[0] == "Person025"


@pytest.mark.parametrize("after", ["unknown", "%F0%9F%92%A5", "x" * 5000, "' OR 1=1"])
def test_invalid_position_shows_the_first_page(office: Browser, practice: Practice, after: str) -> None:
    cast.ana(practice)

    assert shown(office, f"?after={after}") == ["Ana Abreu"]


@pytest.mark.parametrize(
    "query", ["?state=asleep&sort=height", "?q=%25%25%25", "?q=((((", "?q=" + "z" * 5000, "?q={{7*7}}", "?q=a&q=b"]
)
def test_invalid_parameters_show_the_list(office: Browser, practice: Practice, query: str) -> None:
    cast.ana(practice)

    assert office.get(ADDRESS + query).status_code == 200


def test_search_text_is_escaped(office: Browser, practice: Practice) -> None:
    cast.ana(practice)
    page = office.get(ADDRESS, {"q": '"><script>{{7*7}}'}).content.decode()

    assert 'value="&#34;&gt;&lt;script&gt;{{7*7}}"' in page


def test_htmx_gets_the_list_fragment(office: Browser, practice: Practice) -> None:
    cast.ana(practice)
    cast.carol(practice)

    part = office.get(f"{ADDRESS}?q=ana", headers={"HX-Request": "true"}).content.decode()

    assert names(part) == ["Ana Abreu"]
    assert "<html" not in part
    assert 'id="found"' in part
    assert 'id="filters"' in part
    assert "1 of 1 client found" in part


def test_empty_list_explains_how_to_begin(office: Browser) -> None:
    page = office.get(ADDRESS).content.decode()

    assert "No clients yet" in page
    assert "/office/clients/new/" in page


def test_biller_sees_no_create_button(client: Browser, practice: Practice) -> None:
    cast.ana(practice)
    page = cast.signed_in(client, cast.ines(practice)).get(ADDRESS).content.decode()

    assert names(page) == ["Ana Abreu"]
    assert "Create Client" not in page


@pytest.mark.parametrize(("query", "queries"), [("", 5), ("?state=invited", 5), ("?q=person", 7), ("?sort=newest", 5)])
def test_query_count_is_constant(
    office: Browser, practice: Practice, django_assert_num_queries: object, query: str, queries: int
) -> None:
    assert callable(django_assert_num_queries)
    for number in (1, 30):
        many(practice, number)
        with django_assert_num_queries(queries):
            office.get(ADDRESS + query)


def test_row_shows_the_last_sign_in(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    Client.objects.filter(pk=ana.pk).update(
        portal_state="signed_in", last_signed_in_at=ana.created_at - timedelta(hours=1)
    )

    assert "Today, 11:20 AM" in office.get(ADDRESS).content.decode()


def test_a_search_that_many_match_asks_for_more(
    office: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_terms, "_MAX_RARE", 3)
    for _number in range(5):
        cast.client(practice, "Zoe", "Smith")
    page = office.get("/office/clients/?q=smith").text
    assert "Not all clients that match are listed. Type more of the name." in page
    monkeypatch.setattr(client_list_page, "MAX_COUNTED", 3)
    page = office.get("/office/clients/?q=smith").text
    assert "More than 3 clients match. Type more of the name." in page
    page = office.get("/office/clients/?q=smith&state=archived").text
    assert "Too many clients to search them all. Type more of the name." in page
    assert "No clients found" not in page


@pytest.mark.parametrize("query", ["bruno", "berg", "bruno@mail", "0199", "ana berg"])
def test_a_client_is_found_by_a_contact_who_is_named(office: Browser, practice: Practice, query: str) -> None:
    cast.guardian(cast.ana(practice), phone="+12125550199")
    cast.carol(practice)

    page = office.get(f"{ADDRESS}?q={query}").text

    assert names(page) == ["Ana Abreu"]
    assert re.findall(r'data-testid="found-contact">([^<]+)<', page) == ["Contact: Bruno Berg"]


def test_a_client_found_by_their_own_name_names_no_contact(office: Browser, practice: Practice) -> None:
    cast.guardian(cast.ana(practice), "Ana")

    assert "found-contact" not in office.get(f"{ADDRESS}?q=ana").text
    assert "found-contact" not in office.get(ADDRESS).text


def test_contacts_cost_two_queries_whatever_their_number(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 12):
        for place in range(number):
            cast.guardian(cast.client(practice, f"Nia{number}{place}"), "Olga", address=f"olga{number}@mail.example")
        with django_assert_num_queries(9):
            assert office.get(f"{ADDRESS}?q=olga").text.count("Contact: Olga Berg") >= number
