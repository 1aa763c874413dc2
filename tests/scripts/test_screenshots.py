"""Every page has a screenshot."""

import pytest

from scripts.screenshots import NOT_IN_THE_DEMO, SHOWN, unlisted_office_pages
from tests.support.browser import pages

# Independent of the database.
pytestmark = pytest.mark.sqlite


def test_every_page_has_a_screenshot() -> None:
    assert SHOWN.keys() & NOT_IN_THE_DEMO.keys() == set()
    assert SHOWN.keys() | NOT_IN_THE_DEMO.keys() | unlisted_office_pages().keys() == pages.names()


def test_redirects_and_files_are_no_pages() -> None:
    assert pages.names() & (pages.LEAD_ON | pages.FILES) == set()
    assert {pages.name_of(f"/office/{place}") for place in ("clients/", "nowhere/")} == {"office:clients", ""}
