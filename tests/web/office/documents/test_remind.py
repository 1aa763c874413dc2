"""`Remind`: from the practice's list and from one document, with a preview and an editable text."""

import re
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.sharing import reminder_mail
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
NEW = "/office/documents/reminders/new/"
# Session with staff, documents by access, accesses, reminders of today, counts of the menu.
QUERIES = 5


def shared(person: Client) -> DocumentRequest:
    return shared_documents.shared(cast.with_access(person), shared_documents.consent(person.practice))[0]


def send(office: Browser, address: str, typed: dict[str, str] | None = None, **more: Any) -> Any:  # Any: Django's own.
    """Posts the form as from the page that is shown now."""
    (shown,) = re.findall(r'name="shown" value="([^"]*)"', office.get(address).text)
    return office.post(address, {"shown": shown} | (typed or {}), **more)


def reminders() -> list[OutgoingEmail]:
    return list(OutgoingEmail.objects.filter(kind=reminder_mail.KIND))


def test_the_list_and_the_clients_document_lead_there(office: Browser, practice: Practice) -> None:
    request = shared(cast.ana(practice))
    listed = office.get("/office/documents/").text
    assert f'action="{NEW}"' in listed
    assert f'name="document" value="{request.ref}"' in listed
    assert 'name="document"' not in office.get("/office/documents/?show=review").text
    assert f'href="{NEW}?document={request.ref}"' in office.get(f"/office/clients/{request.client.ref}/documents/").text


def test_the_text_is_edited_and_sent_once_a_day(office: Browser, practice: Practice) -> None:
    request = shared(cast.ana(practice))
    page = office.get(f"{NEW}?document={request.ref}").text
    assert "Send 1 reminder?" in page
    assert "This is a reminder from [practice name]" in page
    assert 'name="subject_es"' not in page
    typed = {"subject_en": "Please sign", "message_en": "You have [number of documents] left."}
    answer = send(office, f"{NEW}?document={request.ref}", typed, follow=True)
    assert "1 reminder is on its way." in answer.text
    assert [(email.subject, email.content["message"]) for email in reminders()] == [
        ("Please sign", "You have [number of documents] left.")
    ]
    again = send(office, f"{NEW}?document={request.ref}", typed)
    assert (again.status_code, len(reminders())) == (409, 1)
    assert "Already reminded today" in again.text


def test_all_of_the_list_are_reminded_by_mailbox(office: Browser, practice: Practice) -> None:
    for person in (cast.ana(practice), cast.bruno(practice), cast.bea(practice)):
        shared(person)
    page = office.get(f"{NEW}?chosen=all&show=waiting").text
    assert "Send 2 reminders?" in page
    assert "3 people are reminded" in page
    send(office, f"{NEW}?chosen=all&show=waiting")
    assert {email.to_address for email in reminders()} == {"ana@mail.example", "bruno@mail.example"}


def test_people_who_are_added_meanwhile_are_shown_first(office: Browser, practice: Practice) -> None:
    shared(cast.ana(practice))
    everyone = f"{NEW}?chosen=all"
    (shown,) = re.findall(r'name="shown" value="([^"]*)"', office.get(everyone).text)
    shared(cast.bruno(practice))
    answer = office.post(everyone, {"shown": shown, "subject_en": "Please sign", "message_en": "It is short."})
    assert (answer.status_code, reminders()) == (409, [])
    assert "have changed since you opened the page" in answer.text
    assert "2 people are reminded" in answer.text
    assert "It is short." in answer.text
    send(office, everyone)
    assert len(reminders()) == 2


@pytest.mark.parametrize(
    "typed", [{"subject_en": " "}, {"message_en": " "}, {"subject_en": "You have [number of documents]"}]
)
def test_a_text_that_cannot_be_sent_is_refused(office: Browser, practice: Practice, typed: dict[str, str]) -> None:
    request = shared(cast.ana(practice))
    answer = send(office, f"{NEW}?document={request.ref}", typed)
    assert (answer.status_code, reminders()) == (422, [])


def test_completed_documents_and_those_of_others_are_not_reminded(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    done = shared_documents.shared(access, shared_documents.consent(practice))[0]
    shared_documents.signed(done, access)
    elsewhere = shared(cast.dora(cast.birch()))
    page = office.get(f"{NEW}?document={done.ref}&document={elsewhere.ref}", follow=True)
    assert "Check at least one document that is not completed yet." in page.text


def test_a_biller_cannot_remind(client: Browser, practice: Practice) -> None:
    request = shared(cast.ana(practice))
    biller = cast.signed_in(client, cast.ines(practice))
    assert biller.post(f"{NEW}?document={request.ref}").status_code == 403


@pytest.mark.parametrize("number", [1, 30])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for place in range(number):
        shared(cast.client(practice, f"P{place}", address=f"p{place}@mail.example"))
    with django_assert_num_queries(QUERIES):
        page = office.get(f"{NEW}?chosen=all").text
    assert re.search(rf'data-testid="reminder-preview" data-number="{number}"', page)
