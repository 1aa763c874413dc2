"""Keyset pagination: pages of rows, newest first."""

import pytest

from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.keyset_pagination import KeysetPage
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def clients(practice: Practice) -> list[Client]:
    """Five clients, newest first."""
    return [cast.client(practice, name) for name in ("Ana", "Bea", "Cho", "Dag", "Eva")][::-1]


def page(after: str = "", *, size: int = 2) -> KeysetPage[Client]:
    rows = Client.objects.all()
    return keyset_pagination.newest_first(rows, after=keyset_pagination.position_of(rows, after), size=size)


def test_each_page_begins_after_the_one_before(clients: list[Client]) -> None:
    first = page()
    second = page(first.next_ref)
    third = page(second.next_ref)
    assert first.rows + second.rows + third.rows == clients
    assert (first.is_first, second.is_first, third.next_ref) == (True, False, "")


def test_a_full_last_page_has_no_next_page(clients: list[Client]) -> None:
    assert page(size=5) == KeysetPage(clients, "", is_first=True)


def test_new_rows_do_not_shift_pages(clients: list[Client], practice: Practice) -> None:
    after = page().next_ref
    cast.client(practice, "Fox")
    assert page(after).rows == clients[2:4]


def test_unknown_ref_shows_the_first_page(clients: list[Client]) -> None:
    assert page("unknown") == page()


def test_ref_outside_the_rows_keeps_its_place(clients: list[Client]) -> None:
    others = Client.objects.exclude(pk=clients[1].pk)
    position = keyset_pagination.position_of(Client.objects.all(), clients[1].ref)
    assert keyset_pagination.newest_first(others, after=position, size=5).rows == clients[2:]
