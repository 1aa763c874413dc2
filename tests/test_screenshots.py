"""Every page there is has its photograph."""

import pytest

from scripts.screenshots import NOT_IN_THE_DEMO, SHOWN
from tests.support import pages

# Whatever the database.
pytestmark = pytest.mark.sqlite


def test_every_page_is_photographed() -> None:
    assert SHOWN.keys() & NOT_IN_THE_DEMO.keys() == set()
    assert SHOWN.keys() | NOT_IN_THE_DEMO.keys() == pages.names()


def test_what_leads_on_and_what_is_a_file_has_an_address() -> None:
    assert pages.names() & (pages.LEAD_ON | pages.FILES) == set()
    assert {pages.name_of(f"/office/{place}") for place in ("clients/", "nowhere/")} == {"office:clients", ""}
