"""`Share with many`: from the client list and from a document, in three steps, with a preview of who gets what."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import InvitationRun, InvitationRunItem, ItemState, PortalAccess
from portico.domain.access.onboarding import bulk_selection
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRun, DocumentTemplate, Packet
from portico.domain.practices.models import Practice
from tests import cast, shared_documents
from tests.web.office.documents.test_share_steps import posted

pytestmark = pytest.mark.django_db
NEW = "/office/documents/sharing/new/"
TYPED = {"subject_en": "For you", "message_en": "Hello [first name], [number of documents]."}
# Session with staff, documents, texts, the ids of the chosen, counts of the menu.
QUERIES = 5
# Beside them: versions, clients with accesses, contacts, requests.
QUERIES_OF_PREVIEW = 9


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def chosen(*people: Client) -> str:
    return f"{NEW}?{'&'.join(f'client={person.ref}' for person in people)}"


def ref_of(title: str = "Consent to treatment") -> str:
    return DocumentTemplate.objects.get(title=title).ref


def items(recipients: str = "client", **more: object) -> dict[str, object]:
    return {"recipients": recipients, "documents": [ref_of()], **more}


def review(office: Browser, address: str, recipients: str = "client") -> str:
    return office.post(address, items(recipients, action="review")).text


def left_out(page: str) -> list[tuple[str, str]]:
    return re.findall(r'data-testid="left-out" data-reason="(\w+)" data-number="(\d+)"', page)


def test_the_client_list_and_the_document_lead_there(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    assert f'formaction="{NEW}"' in office.get("/office/clients/").text
    elm = cast.signed_in(Browser(), cast.elm(ana.practice))
    page = elm.get(f"/office/settings/documents/{ref_of()}/").text
    link = f"{NEW}?chosen=all&amp;document={ref_of()}"
    assert link in page
    assert f'value="{ref_of()}" id="document-{ref_of()}" checked>' in elm.get(link.replace("&amp;", "&")).text


def test_three_steps_start_a_run_once(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    first = office.get(chosen(ana)).text
    assert "Share documents with 1 client" in first
    second = office.post(chosen(ana), posted(first) | items(action="email")).text
    third = office.post(chosen(ana), posted(second) | TYPED | {"action": "review"}).text
    assert 'data-testid="run-preview" data-number="1"' in third
    assert "Hello [first name], [number of documents]." in third
    assert not InvitationRun.objects.exists()
    answers = [office.post(chosen(ana), posted(third) | {"action": "send"}) for _ in range(2)]
    run = InvitationRun.objects.get()
    assert [each.headers["Location"] for each in answers] == [f"/office/documents/sharing/{run.ref}/"] * 2
    assert InvitationRunItem.objects.get().state == ItemState.WAITING
    assert DocumentRun.objects.get().texts["en"]["subject"] == "For you"
    assert not Packet.objects.exists()


def test_the_preview_counts_languages_and_reasons(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    lucia = cast.client(ana.practice, "Lucía", address="lucia@mail.example", language="es")
    cast.with_access(lucia)
    without = cast.client(ana.practice, "Nia", address="nia@mail.example")
    page = review(office, chosen(ana, lucia, without))
    assert "Share with 2 people?" in page
    assert sorted(re.findall(r'data-language="(\w+)" data-number="(\d)"', page)) == [("en", "1"), ("es", "1")]
    assert left_out(page) == [("access_off", "1")]
    assert f"/office/clients/{without.ref}/edit/portal/" in page


def test_a_contact_is_named_with_the_client(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    cast.with_contact_access(cast.guardian(ana))
    assert "Bruno Berg (Ana Abreu)" in review(office, chosen(ana), recipients="both")


def test_no_button_without_a_person_to_share_with(office: Browser, practice: Practice) -> None:
    shared_documents.consent(practice)
    page = review(office, chosen(cast.bruno(practice)))
    assert "None of these people can get the documents now" in page
    assert 'name="shown"' not in page


def test_what_changed_since_the_preview_is_shown_again(office: Browser, ana: Client) -> None:
    consent = shared_documents.consent(ana.practice)
    page = review(office, chosen(ana))
    shared_documents.shared(PortalAccess.objects.get(), consent)
    answer = office.post(chosen(ana), posted(page) | {"action": "send"})
    assert "None of these people can get the documents now." in answer.text
    assert (answer.status_code, InvitationRun.objects.count()) == (409, 0)


def test_missing_choices_and_texts_are_refused(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    answer = office.post(chosen(ana), {"recipients": "client", "action": "email"})
    assert answer.status_code == 422
    assert "Choose at least one document." in answer.text
    answer = office.post(chosen(ana), items(action="send", subject_en=" ", shown="x"))
    assert (answer.status_code, InvitationRun.objects.count()) == (422, 0)


def test_another_practices_document_is_refused(office: Browser, ana: Client) -> None:
    shared_documents.consent(cast.birch())
    assert office.post(chosen(ana), items(action="review")).status_code == 422


def test_all_that_match_are_those_of_the_filter(office: Browser, ana: Client) -> None:
    shared_documents.consent(ana.practice)
    cast.with_access(cast.bruno(ana.practice))
    cast.with_access(cast.dora(cast.birch()))
    assert "Share documents with 2 clients" in office.get(f"{NEW}?chosen=all").text
    page = review(office, f"{NEW}?chosen=all&q=bruno")
    assert "Bruno Berg" in page
    assert "Ana Abreu" not in page


@pytest.mark.parametrize("query", ["", "?client=unknown", "?chosen=all&q=4242424242424242"])
def test_without_a_client_the_list_asks_for_one(office: Browser, ana: Client, query: str) -> None:
    page = office.get(f"{NEW}{query}", follow=True)
    assert page.redirect_chain[0][0].startswith("/office/clients/")
    assert "Check at least one client." in page.text


def test_too_many_clients_are_refused(office: Browser, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_selection, "MAX_CLIENTS", 1)
    cast.bruno(ana.practice)
    assert "At most 1 clients can be chosen at a time." in office.get(f"{NEW}?chosen=all", follow=True).text


def test_a_biller_cannot_share(client: Browser, ana: Client) -> None:
    biller = cast.signed_in(client, cast.ines(ana.practice))
    assert biller.get(chosen(ana)).status_code == 403
    assert biller.post(chosen(ana)).status_code == 403


@pytest.mark.parametrize("number", [1, 40])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    consent = shared_documents.consent(practice)
    for place in range(number):
        person = cast.client(practice, f"P{place}", address=f"p{place}@mail.example")
        cast.with_access(person)
        if place % 2:
            cast.guardian(person, address=None)
            shared_documents.shared(PortalAccess.objects.get(own_client=person), consent)
    with django_assert_num_queries(QUERIES):
        office.get(f"{NEW}?chosen=all")
    chosen_items = items("both", action="review")
    with django_assert_num_queries(QUERIES_OF_PREVIEW):
        assert "run-preview" in office.post(f"{NEW}?chosen=all", chosen_items).text
