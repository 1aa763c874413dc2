"""The page of one help request: the request beside the steps of its client."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import client_changes
from portico.domain.access.help_requests import help_requests
from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast

pytestmark = pytest.mark.django_db
LIST = "/office/help-requests/"
# The session with its staff member; the request, the clients and contacts by address, those who were probably meant,
# their numbers; the client with addresses, their mails with events, audit entries and sessions; the audit entry, the
# counts of the menu.
QUERIES = 12


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.invited(person)
    OutgoingEmail.objects.update(state="handed_over", settled_at=clock.now())
    return person


def asked(practice: Practice, address: str = "ana@mail.example", key: str = "key") -> HelpRequest:
    return cast.asked_for_help(practice, address, form_key=key)


def steps_in(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-testid="diagnosis-step"\s+data-step="(\w+)" data-state="(\w+)"', page))


def test_the_request_stands_beside_every_step_of_its_client(office: Browser, practice: Practice, ana: Client) -> None:
    row = asked(practice)
    assert f'href="{LIST}{row.ref}/"' in office.get(LIST).text
    page = office.get(f"{LIST}{row.ref}/").text
    assert "The email does not arrive." in page
    assert f'data-client="{ana.ref}"' in page
    assert steps_in(page) == steps_in(office.get(f"/office/clients/{ana.ref}/edit/portal/").text)
    assert len(steps_in(page)) == 10
    # An invitation that waits for its report is no problem of eligibility, which the list shows.
    assert "Can sign in by email. Nothing on our side prevents it." in office.get(LIST).text
    assert "Can sign in by email. Nothing on our side prevents it." not in page
    assert "Before you give a PIN or change anything, call a number on file" in page
    entry = AuditEntry.objects.get(action=AuditAction.HELP_REQUESTS_VIEWED, about=row.ref)
    assert entry.client == ana


def test_each_fix_leads_to_the_page_where_it_is_made(office: Browser, practice: Practice, ana: Client) -> None:
    client_changes.archive(ana, by=cast.DESK)
    page = office.get(f"{LIST}{asked(practice).ref}/").text
    assert 'form="restoring-form"' not in page
    assert re.search(rf'href="/office/clients/{ana.ref}/[^"]*">Restore Ana</a>', page)


def test_each_client_of_a_family_can_be_chosen(office: Browser, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    row = asked(practice, "bruno@mail.example")
    page = office.get(f"{LIST}{row.ref}/").text
    assert f'data-client="{bruno.ref}"' in page
    assert f'href="{LIST}{row.ref}/?client={bea.ref}"' in page
    assert f'data-client="{bea.ref}"' in office.get(f"{LIST}{row.ref}/?client={bea.ref}").text


def test_the_steps_are_those_of_the_contact_who_asked(office: Browser, practice: Practice, ana: Client) -> None:
    bruno = cast.guardian(ana)
    cast.with_contact_access(bruno)
    row = asked(practice, "bruno@mail.example")
    page = office.get(f"{LIST}{row.ref}/").text
    assert f'data-client="{ana.ref}"' in page
    tab = office.get(f"/office/clients/{ana.ref}/edit/portal/?access={bruno.ref}").text
    assert steps_in(page) == steps_in(tab)
    assert re.search("Why can’t Bruno sign in", page)
    entry = AuditEntry.objects.get(action=AuditAction.HELP_REQUESTS_VIEWED, about=row.ref)
    assert entry.details["access"] == bruno.ref


def test_a_client_whom_it_does_not_concern_is_not_shown(office: Browser, practice: Practice, ana: Client) -> None:
    carol, dora = cast.carol(practice), cast.dora(cast.birch())
    row = asked(practice)
    for person in (carol, dora):
        page = office.get(f"{LIST}{row.ref}/?client={person.ref}").text
        assert f'data-client="{ana.ref}"' in page
        assert person.ref not in page
    strangers = asked(practice, "nobody@mail.example", "stranger")
    assert steps_in(office.get(f"{LIST}{strangers.ref}/?client={carol.ref}").text) == {}


def test_a_note_with_a_card_number_is_shown_beside_the_request(
    office: Browser, practice: Practice, ana: Client
) -> None:
    row = asked(practice)
    answer = office.post(f"{LIST}{row.ref}/done/", {"note": "Card 4242 4242 4242 4242"})
    assert answer.status_code == 422
    assert "This looks like a card number." in answer.text
    assert f'data-client="{ana.ref}"' in answer.text
    assert HelpRequest.objects.open().get() == row


def test_a_request_that_is_done_shows_its_note_and_no_form(office: Browser, practice: Practice, ana: Client) -> None:
    row = help_requests.close(asked(practice), note="Called, PIN given", by=cast.DESK)
    page = office.get(f"{LIST}{row.ref}/").text
    assert "Called, PIN given" in page
    assert 'data-state="done"' in page
    assert f"{LIST}{row.ref}/done/" not in page


@pytest.mark.parametrize("number", [1, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        cast.invited(ana)
        cast.mailed(practice, "ana@mail.example", browser=f"browser {each}")
        row = asked(practice, key=str(each))
    with django_assert_num_queries(QUERIES):
        office.get(f"{LIST}{row.ref}/")
