"""The address without a practice."""

import pytest

from portico.domain.practices.models import Practice
from tests import cast
from tests.support.pressing import Browser

pytestmark = pytest.mark.django_db


def test_the_only_practice_is_where_it_leads(client: Browser, practice: Practice) -> None:
    assert client.get("/")["Location"] == "/portal/alder-street/"


def test_of_several_practices_none_is_named(client: Browser, practice: Practice) -> None:
    cast.birch()
    page = client.get("/").content.decode()
    assert "Use the address in the email" in page
    assert practice.name not in page


def test_a_new_installation_says_how_to_begin(client: Browser) -> None:
    assert "portico create-practice" in client.get("/").content.decode()


def test_an_unknown_practice_is_not_here(client: Browser, practice: Practice) -> None:
    assert client.get("/portal/no-such/").status_code == 404
