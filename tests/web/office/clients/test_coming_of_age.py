"""The list of clients who come of age, and the notice that leads to it."""

from datetime import date

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import client_changes, contact_changes
from portico.domain.clients import coming_of_age
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.domain.practices.models import Practice
from tests import cast

pytestmark = pytest.mark.django_db
CLIENTS, LIST = "/office/clients/", "/office/clients/coming-of-age/"
# Session with staff member and practice, the rows, and the counts of the menu.
QUERIES = 3
# The clock stands at November 23, 2026.
SOON = date(2008, 12, 1)


def guarded(practice: Practice, name: str, born: date | None, *, kind: str = "guardian") -> Relationship:
    person = cast.client(practice, name)
    Client.objects.filter(pk=person.pk).update(date_of_birth=born)
    person.refresh_from_db()
    return cast.guardian(person, f"{name}’s parent", kind=RelationshipKind(kind), address=None)


@pytest.mark.parametrize(
    ("born", "is_listed"),
    [
        (date(2008, 12, 24), False),
        (date(2008, 12, 23), True),
        (date(2008, 11, 23), True),
        (date(2008, 8, 25), True),
        (date(2008, 8, 24), False),
        (None, False),
    ],
)
def test_it_lists_who_comes_of_age_within_30_days(
    office: Browser, practice: Practice, born: date | None, *, is_listed: bool
) -> None:
    theo = guarded(practice, "Theo", born).client
    assert (f'data-testid="coming-of-age" data-ref="{theo.ref}"' in office.get(LIST).text) is is_listed
    assert ("coming-of-age-notice" in office.get(CLIENTS).text) is is_listed


def test_it_names_day_and_guardian_and_leads_to_the_decision(office: Browser, practice: Practice) -> None:
    theo = guarded(practice, "Theo", SOON).client
    contact_changes.end(cast.guardian(theo, "Former guardian", address=None), by=cast.DESK)
    contact_changes.decide_majority(cast.guardian(theo, "Kept guardian", address=None), by=cast.DESK)
    page = office.get(LIST).text
    assert "Former guardian" not in page
    assert "Kept guardian" not in page
    assert f'href="/office/clients/{theo.ref}/#contacts">Theo</a>' in page
    assert "Dec 1, 2026" in page
    assert "Theo’s parent" in page
    notice = office.get(CLIENTS).text.partition("coming-of-age-notice")[2].partition("</section>")[0]
    assert "1 client turns 18 soon." in notice
    assert f'href="{LIST}"' in notice


def test_a_decision_takes_the_client_off_the_list(office: Browser, practice: Practice) -> None:
    relationship = guarded(practice, "Theo", SOON)
    contact_changes.decide_majority(relationship, by=cast.DESK)
    assert relationship.client.ref not in office.get(LIST).text


def test_only_present_clients_with_a_guardian_now_are_listed(office: Browser, practice: Practice) -> None:
    contact_changes.end(guarded(practice, "Ended", SOON), by=cast.DESK)
    guarded(practice, "Payer", SOON, kind="payer")
    client_changes.archive(guarded(practice, "Archived", SOON).client, by=cast.DESK)
    guarded(cast.birch(), "Elsewhere", SOON)
    assert 'data-testid="coming-of-age"' not in office.get(LIST).text
    assert "coming-of-age-notice" not in office.get(CLIENTS).text


def test_the_practices_age_of_majority_counts(office: Browser, practice: Practice) -> None:
    Practice.objects.update(age_of_majority=19)
    theo, uma = guarded(practice, "Theo", SOON).client, guarded(practice, "Uma", date(2007, 12, 1)).client
    page = office.get(LIST).text
    assert uma.ref in page
    assert theo.ref not in page


def test_a_leap_day_counts_as_march_first(practice: Practice) -> None:
    assert coming_of_age._years_before(date(2028, 2, 29), 18) == date(2010, 2, 28)
    assert coming_of_age._years_before(date(2028, 3, 1), 18) == date(2010, 3, 1)


@pytest.mark.parametrize("number", [0, 3])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for name in ("Nia", "Olu", "Pia")[:number]:
        guarded(practice, name, SOON)
    office.get(LIST)
    with django_assert_num_queries(QUERIES):
        office.get(LIST)
