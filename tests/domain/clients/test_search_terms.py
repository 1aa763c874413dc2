"""Search of clients by prefixes of a name, an address or a number."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portico.domain.access import client_changes, contact_changes
from portico.domain.clients import contacts, search_terms
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput, ContactInput, PhoneInput
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def found(practice: Practice, query: str) -> list[str]:
    return sorted(client.first_name for client in search_terms.matching(practice, query))


@pytest.mark.parametrize(
    "query",
    [
        "zoe",
        "ZOË",
        "zo",
        "núñ",
        "nunez",
        "zoe nunez",
        "nunez zoe",
        "  zoe  ",
        "zoe@mail.example",
        "ZOE@MAIL",
        "zoe@",
        "2125550134",
        "(212) 555",
        "+1 212",
        "12125550134",
        "0134",
        "555-0134",
        "555.0134",
        "(212) 555–0134",
        "２１２ ５５５",
        "٠١٣٤",
        "zoe 0134",
        "zoenunez",
    ],
)
def test_any_prefix_finds_the_client(practice: Practice, query: str) -> None:
    cast.client(practice, "Zoë", "Núñez", address="zoe@mail.example", phone="+12125550134")
    cast.carol(practice)

    assert found(practice, query) == ["Zoë"]


@pytest.mark.parametrize(
    "query", ["oe", "unez", "zoe cole", "134", "ail.example", "", " ", "!!", "%", "_", "\\", "@", "...", "( )", "–––"]
)
def test_the_middle_of_a_word_finds_no_client(practice: Practice, query: str) -> None:
    cast.client(practice, "Zoë", "Núñez", address="zoe@mail.example", phone="+12125550134")

    assert found(practice, query) == []


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("Łukasz Żółć", ["lukasz", "Łukasz", "zolc", "LUKASZ ZOLC"]),
        ("Björn Ærø", ["bjorn", "bjoern", "aero", "aeroe", "Ærø"]),
        ("Đặng Thị Hằng", ["dang", "dang thi hang", "đặng", "thi"]),
        ("Karl Große", ["grosse", "große", "GROSSE"]),
        ("Jürgen Weiß", ["weiss", "weiß", "jurgen", "juergen"]),
        ("Sinéad O'Brien", ["obrien", "o'brien", "o’brien", "o`brien", "o brien", "O'B", "brien", "sinead obrien"]),
        ("Sinéad O’Brien", ["obrien", "o'brien", "oʼbrien", "o´brien"]),
        ("Sinéad O`Brien", ["obrien", "o'brien"]),
        ("Sinéad OBrien", ["obrien", "o'brien", "o’brien"]),
        ("Jean-Luc Picard", ["jean-luc", "jean‑luc", "jeanluc", "jean luc", "luc", "Jean–Luc Picard"]),
        ("Jean Luc Picard", ["jean-luc", "jeanluc"]),
        ("Jeanluc Picard", ["jean-luc"]),
        ("Ana García-López", ["garcia lopez", "garcia-lopez", "lopez", "garcialopez", "lopez, ana"]),
        ("Ludwig van der Berg", ["vanderberg", "van der berg", "berg", "der-berg"]),
        ("J.R. St. John", ["jr", "j.r.", "st john", "stjohn", "st. john"]),
    ],
)
def test_names_are_found_in_common_spellings(practice: Practice, name: str, queries: list[str]) -> None:
    first, _, last = name.rpartition(" ")
    cast.client(practice, first, last)
    cast.carol(practice)

    for query in queries:
        assert found(practice, query) == [first], query


def test_parts_of_an_address_find_the_client(practice: Practice) -> None:
    cast.client(practice, "Zoë", address="zoe.nunez+bills@mail.example")

    for query in ("zoe.nunez", "nunez+bills", "zoe.nunez+bills@mail", "bills@mail.example", "mail.ex", "@mail"):
        assert found(practice, query) == ["Zoë"], query
    for query in ("example", "zoe@mail", "unez@mail"):
        assert found(practice, query) == [], query


@pytest.mark.parametrize(
    "query", ["020 7946 0958", "+44 (0)20 7946 0958", "0044 20 7946 0958", "011 44 20 7946", "7946 0958", "0958"]
)
def test_phone_numbers_are_found_as_dialled(practice: Practice, query: str) -> None:
    cast.client(practice, "Zoë", phone="+442079460958")

    assert found(practice, query) == ["Zoë"]


def test_names_in_other_scripts_are_found(practice: Practice) -> None:
    cast.client(practice, "Ольга", "Петрова")
    cast.client(practice, "明", "王")

    assert found(practice, "петр") == found(practice, "ольга петрова") == ["Ольга"]
    assert found(practice, "王") == ["明"]


def test_clients_of_another_practice_are_not_found(practice: Practice) -> None:
    dora = cast.dora(cast.birch())

    for query in ("dora", "dora@mail.example", dora.ref):
        assert found(practice, query) == []


def test_only_current_details_are_found(practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = ClientInput(
        ClientDetails(first_name="Anita", last_name="Berg"),
        addresses=(AddressInput("anita@new.example", "home", email_ok=True),),
        phones=(PhoneInput("+34912345678", "mobile"),),
    )

    client_changes.save_client_info(ana, entry, version=1, by=cast.DESK)

    for query in ("anita", "berg", "anita@new", "+34 912", "912345678"):
        assert found(practice, query) == ["Anita"], query
    for query in ("abreu", "ana@mail", "2125550134"):
        assert found(practice, query) == [], query


def test_preferred_and_given_name_are_both_found(practice: Practice) -> None:
    ana = cast.ana(practice)
    client_changes.save_client_info(
        ana, ClientInput(ClientDetails(first_name="Ana", preferred_name="Nita")), version=1, by=cast.DESK
    )

    assert found(practice, "nita") == found(practice, "ana") == ["Ana"]


class AnythingTyped(TestCase):
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80))
    def test_no_search_ends_in_an_error(self, query: str) -> None:
        practice = Practice.objects.first() or cast.alder()
        assert list(search_terms.matching(practice, query)) == []


def test_terms_of_an_old_name_are_deleted(practice: Practice) -> None:
    ana = cast.ana(practice)
    Client.objects.filter(pk=ana.pk).update(first_name="Eve")
    ana.refresh_from_db()

    search_terms.refresh_terms(ana)

    assert set(ana.search_terms.values_list("term", flat=True)) >= {
        "eveabreu",
        "abreu",
        "ana@mailexample",
        "mailexample",
        "12125550134",
        "0134",
    }
    assert found(practice, "ana") == ["Eve"]  # Found by her address.


def test_contacts_are_found_as_long_as_they_are_contacts(practice: Practice) -> None:
    ana, bea = cast.ana(practice), cast.client(practice, "Bea")
    bruno = cast.guardian(ana, phone="+12125550199")
    of_bea = contacts.link(bea, bruno.contact, RelationshipKind.GUARDIAN, by=cast.DESK)
    for query in ("bruno", "bruno@mail.example", "5550199"):
        assert found(practice, query) == ["Ana", "Bea"]

    entry = ContactInput("Bogdan", RelationshipKind.GUARDIAN, "Berg", "en", None, (), ())
    contact_changes.save_contact(bruno, entry, version=bruno.contact.version, by=cast.DESK)
    assert found(practice, "bogdan") == ["Ana", "Bea"]
    for query in ("bruno", "bruno@mail.example", "5550199"):
        assert found(practice, query) == []

    contact_changes.end(of_bea, by=cast.DESK)
    assert found(practice, "bogdan") == ["Ana"]
    client_changes.save_client_info(ana, ClientInput(ClientDetails("Anna", "Abreu")), version=ana.version, by=cast.DESK)
    assert found(practice, "bogdan") == ["Anna"]


def test_contacts_of_before_are_found_after_the_migration(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.guardian(ana, phone="+12125550199")
    contact_changes.end(cast.guardian(ana, "Olga", address=None), by=cast.DESK)
    expected = set(ana.search_terms.values_list("term", flat=True))
    ana.search_terms.filter(term__startswith="b").delete()
    ana.search_terms.filter(term__contains="0199").delete()
    for _time in range(2):
        import_module("portico.domain.clients.migrations.0008_search_terms_of_contacts").add_terms(
            apps, connection.schema_editor()
        )
    assert set(ana.search_terms.values_list("term", flat=True)) == expected
