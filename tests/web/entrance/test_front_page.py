"""The start page of the installation."""

import pytest

from portico.domain.practices.models import Practice
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db


def test_redirects_to_the_only_practice(client: Browser, practice: Practice) -> None:
    assert client.get("/")["Location"] == "/portal/alder-street/"


def test_names_none_of_several_practices(client: Browser, practice: Practice) -> None:
    cast.birch()
    page = client.get("/").content.decode()
    assert "Use the address in the email" in page
    assert practice.name not in page


def test_new_installation_explains_how_to_begin(client: Browser) -> None:
    assert "portico create-practice" in client.get("/").content.decode()


def test_unknown_practice_is_404(client: Browser, practice: Practice) -> None:
    assert client.get("/portal/no-such/").status_code == 404
