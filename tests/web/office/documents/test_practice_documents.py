"""The practice's `Documents`: staff find what waits, what is stuck and what is to be reviewed."""

from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.submissions import reviews
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
LIST = "/office/documents/"
# Session with the staff member and the practice, the requests, and the counts of the menu.
QUERIES = 3


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return PortalAccess.objects.get(own_client=client)


def shared(access: PortalAccess, number: int = 1) -> list[DocumentRequest]:
    versions = [shared_documents.consent(access.client.practice) for _ in range(number)]
    return shared_documents.shared(access, *versions)


def refs_on(office: Browser, show: str, *requests: DocumentRequest) -> list[bool]:
    """Returns for each request whether the list shows it."""
    page = office.get(LIST, {"show": show}).text
    return [f'data-ref="{each.ref}"' in page for each in requests]


def test_each_filter_shows_its_documents(office: Browser, access: PortalAccess) -> None:
    new, old, done, reviewed = shared(access, 4)
    DocumentRequest.objects.filter(pk=old.pk).update(sent_at=clock.now() - timedelta(days=5))
    shared_documents.signed(done, access)
    shared_documents.signed(reviewed, access)
    reviews.review(reviewed, note="", by=cast.hal(access.client.practice).actor)
    assert refs_on(office, "waiting", new, old, done, reviewed) == [True, True, False, False]
    assert refs_on(office, "stuck", new, old, done, reviewed) == [False, True, False, False]
    assert refs_on(office, "review", new, old, done, reviewed) == [False, False, True, False]
    assert refs_on(office, "reviewed", new, old, done, reviewed) == [False, False, False, True]


def test_another_practice_sees_none_of_them(client: Browser, access: PortalAccess) -> None:
    (request,) = shared(access)
    birch = cast.birch()
    assert refs_on(cast.signed_in(client, cast.elm(birch)), "waiting", request) == [False]


def test_the_next_page_begins_after_the_last(office: Browser, access: PortalAccess) -> None:
    requests = shared(access, 26)
    assert refs_on(office, "waiting", requests[0], requests[-1]) == [False, True]
    page = office.get(LIST, {"show": "waiting", "before": requests[1].ref}).text
    assert f'data-ref="{requests[0].ref}"' in page
    assert f'data-ref="{requests[1].ref}"' not in page


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_is_fixed(
    office: Browser, access: PortalAccess, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    shared(access, number)
    with django_assert_num_queries(QUERIES):
        office.get(LIST)
