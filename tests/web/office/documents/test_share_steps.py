"""`Share` in three steps: what was chosen and typed goes with each step, and only the last one shares something."""

import re
from html import unescape

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Packet
from portico.domain.documents.sharing import document_mails
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast, shared_documents
from tests.cast import DESK

pytestmark = pytest.mark.django_db
# Session with colleague and practice, client, own access, contacts, documents, requests, own texts, the entry, menu.
QUERIES = 9
TYPED = {"subject_en_any": "For you", "message_en_any": "Hello [first name], [number of documents], [minutes]."}


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def address_of(client: Client) -> str:
    return f"/office/clients/{client.ref}/sharing/"


def ref_of(title: str) -> str:
    return DocumentTemplate.objects.get(title=title).ref


def consent_ref(practice: Practice) -> str:
    shared_documents.consent(practice)
    return ref_of("Consent to treatment")


def fields_of(page: str) -> list[tuple[str, str]]:
    """Returns what a browser would post of the page, without its boxes to check."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return [(name, unescape(value)) for name, value in hidden if name != "csrfmiddlewaretoken"]


def posted(page: str) -> dict[str, list[str]]:
    data: dict[str, list[str]] = {}
    for name, value in fields_of(page):
        data.setdefault(name, []).append(value)
    return data


def test_three_steps_share_and_send(office: Browser, ana: Client) -> None:
    ref = consent_ref(ana.practice)
    first = office.get(address_of(ana)).text
    chosen = posted(first) | {"recipients": ["client"], "documents": [ref]}
    second = office.post(address_of(ana), chosen | {"action": "email"}).text
    assert "Continue to Review" in second
    third = office.post(address_of(ana), posted(second) | TYPED | {"action": "review"}).text
    assert "Hello Ana, 1 document, 4 minutes." in third
    assert not Packet.objects.exists()
    for _ in range(2):
        answer = office.post(address_of(ana), posted(third) | {"action": "send"}, follow=True)
        assert "1 document was shared with Ana Abreu. The email is on its way." in answer.text
    email = OutgoingEmail.objects.get()
    assert (email.subject, email.content["message"]) == ("For you", "Hello Ana, 1 document, 4 minutes.")
    assert Packet.objects.get().email == email


def textarea(page: str, name: str) -> str:
    found = re.search(rf'<textarea name="{name}"[^>]*>\s*([^<]*)</textarea>', page)
    assert found is not None
    return unescape(found[1])


def test_the_second_step_shows_the_text_that_is_sent(office: Browser, ana: Client) -> None:
    # A parent may read the mails of a client whose age is not known, so they greet no one by name.
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    ref = consent_ref(ana.practice)
    chosen = {"recipients": ["client", guardian.ref], "documents": [ref]}
    page = office.post(address_of(ana), chosen | {"action": "email"}).text
    greeted, any_reader = textarea(page, "message_en"), textarea(page, "message_en_any")
    assert greeted.startswith("Hello [first name],")
    assert any_reader.startswith("Hello,")
    assert "To Bruno Berg (guardian)" in page
    # What is typed into one of the two stays in that one, also if it is the text of the other.
    typed = {"message_en_any": greeted + " Bye.", "message_en": any_reader}
    office.post(address_of(ana), posted(page) | typed | {"action": "send"})
    sent = {each.to_address: each.content["message"] for each in OutgoingEmail.objects.all()}
    assert sent["ana@mail.example"].startswith("Hello Ana,")
    assert sent["ana@mail.example"].endswith("Bye.")
    assert sent["bruno@mail.example"].startswith("Hello,")


def test_one_text_of_the_practice_is_edited_once(office: Browser, ana: Client) -> None:
    texts = {"en": MailText("For you", "Dear reader")}
    document_mails.save_texts(ana.practice, texts, version=ana.practice.version, by=DESK)
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    chosen = {"recipients": ["client", guardian.ref], "documents": [consent_ref(ana.practice)]}
    page = office.post(address_of(ana), chosen | {"action": "email"}).text
    assert page.count("<textarea") == 1
    assert "To Ana Abreu, Bruno Berg (guardian)" in page


def test_going_back_loses_nothing(office: Browser, ana: Client) -> None:
    ref = consent_ref(ana.practice)
    typed = {"recipients": ["client"], "documents": [ref], **TYPED}
    first = office.post(address_of(ana), typed | {"action": "items"}).text
    assert f'value="{ref}" id="document-{ref}" checked>' in first
    again = posted(first) | {"recipients": ["client"], "documents": [ref], "action": "email"}
    assert 'value="For you"' in office.post(address_of(ana), again).text


def test_an_empty_text_is_refused_and_an_empty_choice_too(office: Browser, ana: Client) -> None:
    ref = consent_ref(ana.practice)
    answer = office.post(address_of(ana), {"recipients": ["client"], "action": "email"})
    assert answer.status_code == 422
    assert "Choose at least one document." in answer.text
    empty = {"recipients": ["client"], "documents": [ref], "subject_en_any": " ", "action": "send"}
    answer = office.post(address_of(ana), empty)
    assert (answer.status_code, Packet.objects.count()) == (422, 0)


def test_client_and_guardian_get_a_packet_each(office: Browser, ana: Client) -> None:
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    ref = consent_ref(ana.practice)
    to_both = {"recipients": ["client", guardian.ref], "documents": [ref], "action": "send"}
    assert office.post(address_of(ana), to_both).status_code == 302
    assert {each.access.relationship for each in Packet.objects.all()} == {None, guardian}
    assert set(OutgoingEmail.objects.values_list("to_address", flat=True)) == {
        "ana@mail.example",
        "bruno@mail.example",
    }


def test_a_payer_is_not_offered(office: Browser, ana: Client) -> None:
    payer = cast.guardian(ana, kind=RelationshipKind.PAYER)
    cast.with_contact_access(payer)
    ref = consent_ref(ana.practice)
    assert payer.ref not in office.get(address_of(ana)).text
    answer = office.post(address_of(ana), {"recipients": [payer.ref], "documents": [ref], "action": "send"})
    assert (answer.status_code, Packet.objects.count()) == (422, 0)


def test_who_may_not_sign_is_shown_with_the_reason(office: Browser, ana: Client) -> None:
    PortalAccess.objects.update(signs_documents=False)
    shown = office.get(address_of(ana)).text
    assert 'value="client" id="to-client" disabled>' in shown
    assert "Check Sign documents" in shown


def test_only_people_who_can_open_the_documents_are_checked(office: Browser, practice: Practice) -> None:
    bea = cast.bea(practice)
    guardian = cast.guardian(bea)
    ref = consent_ref(practice)
    page = office.get(address_of(bea)).text
    assert " checked>" not in page
    off = "Portal access is off. They can’t see this until you turn it on."
    assert page.count(off) == 2
    tab = f"/office/clients/{bea.ref}/edit/portal/"
    assert f'href="{tab}"' in page
    assert f'href="{tab}?access={guardian.ref}"' in page
    cast.with_contact_access(guardian)
    page = office.get(address_of(bea)).text
    assert (page.count(off), f'id="to-{guardian.ref}" checked>' in page) == (1, True)
    # Those whose access is off may still be chosen, and each step says it again.
    chosen = {"recipients": ["client"], "documents": [ref]}
    for action in ("email", "review"):
        answer = office.post(address_of(bea), chosen | {"action": action})
        assert (answer.status_code, off in answer.text, "in the portal." in answer.text) == (200, True, False)
    assert office.post(address_of(bea), chosen | {"action": "send"}).status_code == 302
    assert Packet.objects.get().access.own_client == bea


def test_what_is_open_for_all_who_are_checked_cannot_be_checked(office: Browser, ana: Client) -> None:
    shared_documents.shared(PortalAccess.objects.get(), shared_documents.consent(ana.practice))
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    ref = ref_of("Consent to treatment")
    disabled = f'id="document-{ref}" disabled>'
    first = office.get(address_of(ana)).text
    assert "Shared with Ana Abreu" in first
    assert disabled in first
    # A page without script asks again what can be checked, as one with script does after each change.
    assert '<noscript><button class="button plain" type="submit" name="action" value="items">' in first
    for people, is_disabled in (
        ([], False),
        ([guardian.ref], False),
        (["client", guardian.ref], False),
        (["client"], True),
    ):
        answer = office.post(address_of(ana), {"recipients": people, "action": "items"})
        assert (answer.status_code, disabled in answer.text, "There is a problem" in answer.text) == (
            200,
            is_disabled,
            False,
        )
    answer = office.post(address_of(ana), {"recipients": ["client"], "documents": [ref], "action": "email"})
    assert answer.status_code == 422
    assert "Ana Abreu still has to complete “Consent to treatment”. It is no longer checked." in answer.text
    assert disabled in answer.text
    assert DocumentRequest.objects.count() == 1


def test_each_gets_what_is_not_open_for_them(office: Browser, ana: Client) -> None:
    own = PortalAccess.objects.get()
    shared_documents.shared(own, shared_documents.consent(ana.practice))
    shared_documents.form(ana.practice, position=2)
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    refs = [ref_of("Consent to treatment"), ref_of("Intake form")]
    chosen = {"recipients": ["client", guardian.ref], "documents": refs, "form_key": "k" * 22}
    page = office.post(address_of(ana), chosen | {"action": "review"}).text
    assert "Gets 1 of the 2 documents; the others are still to complete." in page
    for _ in range(2):
        answer = office.post(address_of(ana), chosen | {"action": "send"}, follow=True)
        shared = "1 document was shared with Ana Abreu. 2 documents were shared with Bruno Berg (guardian)."
        assert f"{shared} The emails are on their way." in answer.text
    assert DocumentRequest.objects.filter(access=own).count() == 2
    assert Packet.objects.get(access__relationship=guardian).requests.count() == 2
    # What was shared once is open for both: a person for whom nothing is left gets no email.
    only = chosen | {"documents": refs[:1], "form_key": "l" * 22}
    assert office.post(address_of(ana), only | {"action": "send"}).status_code == 422


def test_a_person_with_nothing_left_gets_no_email(office: Browser, ana: Client) -> None:
    shared_documents.shared(PortalAccess.objects.get(), shared_documents.consent(ana.practice))
    guardian = cast.guardian(ana)
    cast.with_contact_access(guardian)
    chosen = {"recipients": ["client", guardian.ref], "documents": [ref_of("Consent to treatment")]}
    assert "Ana Abreu" not in office.post(address_of(ana), chosen | {"action": "email"}).text.split("</header>", 2)[2]
    page = office.post(address_of(ana), chosen | {"action": "review"}).text
    assert "Still has to complete these documents. Nothing is shared again." in page
    office.post(address_of(ana), chosen | {"action": "send"})
    assert OutgoingEmail.objects.get().to_address == "bruno@mail.example"


def test_without_email_ok_the_documents_wait_in_the_portal(office: Browser, ana: Client) -> None:
    ana.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    ref = consent_ref(ana.practice)
    chosen = {"recipients": ["client"], "documents": [ref]}
    assert "No email is sent." in office.post(address_of(ana), chosen | {"action": "email"}).text
    office.post(address_of(ana), chosen | {"action": "send"})
    assert Packet.objects.get().email is None


def test_the_page_says_that_the_parents_live_apart(office: Browser, ana: Client) -> None:
    contacts.set_parents_apart(ana, apart=True, by=DESK)
    assert 'data-testid="parents-apart"' in office.get(address_of(ana)).text


def test_another_practices_document_is_refused(office: Browser, ana: Client) -> None:
    ref = consent_ref(cast.birch())
    answer = office.post(address_of(ana), {"recipients": ["client"], "documents": [ref], "action": "send"})
    assert (answer.status_code, Packet.objects.count()) == (422, 0)


@pytest.mark.parametrize("number", [0, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    versions = [shared_documents.form(ana.practice, position=place) for place in range(number)]
    if versions:
        shared_documents.shared(PortalAccess.objects.get(), *versions)
        cast.guardian(ana)
    with django_assert_num_queries(QUERIES):
        office.get(address_of(ana))
    assert AuditEntry.objects.filter(action=AuditAction.SHARING_VIEWED, client=ana).count() == 1
