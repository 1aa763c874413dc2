"""`Signed on paper`: Fay records the paper of a document that was shared, and of one that was not."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import (
    DocumentRequest,
    DocumentTemplate,
    RequestState,
    Submission,
    TemplateKind,
    TemplateVersion,
    Upload,
)
from portico.domain.documents.sharing import version_updates
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast, shared_documents
from tests.support import files

pytestmark = pytest.mark.django_db
ENTERED = {
    "signed_on": "10/30/2026",
    "signer_name": "Ana Abreu",
    "relationship": "Self",
    "witness": "",
    "language": "en",
    "form_key": "k" * 43,
}
# Session with the staff member and the practice, the client, the audit entry, and the counts of the menu; then the
# document, or the documents, the client's access and the contacts.
SHARED_QUERIES, UNSHARED_QUERIES = 5, 7


@pytest.fixture
def ana(practice: Practice) -> Client:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return client


@pytest.fixture
def consent(ana: Client) -> DocumentRequest:
    access = PortalAccess.objects.get(own_client=ana)
    return shared_documents.shared(access, shared_documents.consent(ana.practice))[0]


def address(client: Client, document: DocumentRequest | None = None) -> str:
    middle = f"{document.ref}/" if document else ""
    return f"/office/clients/{client.ref}/documents/{middle}on-paper/"


def entered(document: DocumentRequest) -> dict[str, Any]:  # Any: posted data.
    return ENTERED | {"version": document.version.ref, "text": document.version.ref}


def unshared(version: TemplateVersion) -> dict[str, Any]:  # Any: the fields of the form.
    return ENTERED | {"document": version.template.ref, "person": "client", "text": version.ref}


def documents(client: Client) -> str:
    return f"/office/clients/{client.ref}/documents/"


def scan() -> SimpleUploadedFile:
    return SimpleUploadedFile("consent.pdf", files.pdf(), content_type="application/pdf")


def test_fay_records_a_paper_with_its_scan(office: Browser, ana: Client, consent: DocumentRequest) -> None:
    assert address(ana, consent) in office.get(documents(ana)).text
    page = office.post(address(ana, consent), entered(consent) | {"scan": scan()}, follow=True).text
    assert "Recorded as signed on paper." in page
    assert "consent.pdf" in page
    assert "Oct 30, 2026" in page
    assert "Signed on paper on Oct 30" in office.get(documents(ana)).text
    assert "Signed on paper" in office.get("/office/documents/?show=review").text
    submission = Submission.objects.get()
    assert "signed on paper and recorded here" in office.get(f"/office/documents/check/?number={submission.ref}").text


def test_a_scan_is_not_a_file_that_the_client_sent(office: Browser, ana: Client, consent: DocumentRequest) -> None:
    answer = office.post(address(ana, consent), entered(consent) | {"scan": scan()}, follow=True)
    upload = Upload.objects.get()
    assert upload.ref in answer.text
    assert upload.ref not in office.get(documents(ana)).text


def test_ana_sees_it_as_signed_on_paper(office: Browser, ana: Client, consent: DocumentRequest) -> None:
    office.post(address(ana, consent), entered(consent))
    browser = cast.in_the_portal(Browser(), ana)
    for path in ("", f"{consent.ref}/"):
        page = browser.get(f"/portal/alder-street/documents/{path}").text
        assert "Signed on paper" in page
        assert "Completed</span>" not in page


def test_a_consent_that_was_not_shared(office: Browser, practice: Practice) -> None:
    carol, version = cast.carol(practice), shared_documents.consent(practice)
    typed = unshared(version)
    for _press in range(2):
        page = office.post(address(carol), typed, follow=True).text
        assert "Recorded as signed on paper." in page
    request = DocumentRequest.objects.get()
    assert (request.client, request.state) == (carol, RequestState.COMPLETED)
    listed = office.get(documents(carol)).text
    assert "Recorded" in listed
    assert "Shared" not in listed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"signed_on": "12/31/2099"}, "in the future"),
        ({"signed_on": ""}, "Enter a date."),
        ({"signer_name": "- -"}, "Enter the full name"),
        ({"relationship": ""}, "Enter a relationship to client."),
        ({"language": "fr"}, "not one of the available choices"),
        ({"scan": SimpleUploadedFile("consent.pdf", b"")}, "This file is empty."),
        ({"scan": SimpleUploadedFile("consent.exe", b"MZ")}, "Choose a PDF or a photo"),
    ],
)
def test_what_is_missing_is_said_and_the_rest_kept(
    office: Browser, ana: Client, consent: DocumentRequest, changed: dict[str, object], words: str
) -> None:
    answer = office.post(address(ana, consent), entered(consent) | {"witness": "Fay Frost"} | changed)
    assert (answer.status_code, words in answer.text) in {(422, True), (409, True)}
    assert "Fay Frost" in answer.text
    assert not Submission.objects.exists()


def test_a_language_without_text_is_refused(office: Browser, ana: Client, practice: Practice) -> None:
    english = {"en": shared_documents.CONSENT["en"]}
    version = shared_documents.published(practice, TemplateKind.CONSENT, english)
    typed = unshared(version) | {"language": "es"}
    answer = office.post(address(ana), typed)
    assert (answer.status_code, "no text in that language" in answer.text) == (422, True)


def test_a_paper_with_the_earlier_text_is_not_recorded(office: Browser, ana: Client, consent: DocumentRequest) -> None:
    """Staff updated the document after Fay opened the page: the paper has the earlier text."""
    old, today = consent.version, clock.today(ana.practice.time_zone)
    typed = ENTERED | {"version": old.ref, "signed_on": f"{today:%m/%d/%Y}"}
    new = shared_documents.new_version(old.template, shared_documents.CONSENT)
    template = DocumentTemplate.objects.select_related("current_version").get(pk=old.template_id)
    version_updates.update(template, shown=2, with_started=False, by=cast.DESK)
    answer = office.post(address(ana, consent), typed)
    assert (answer.status_code, "Check that the paper has the current text" in answer.text) == (409, True)
    assert not Submission.objects.exists()
    assert f'name="version" value="{new.ref}"' in answer.text
    assert office.post(address(ana, consent), typed | {"version": new.ref}).status_code == 302


@pytest.mark.parametrize("state", ["withdrawn", "declined"])
def test_a_paper_of_an_ended_document_is_refused_in_words_for_staff(office: Browser, ana: Client, state: str) -> None:
    version = shared_documents.consent(ana.practice, may_be_declined=True)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    if state == "withdrawn":
        request_states.withdraw(request, by=cast.DESK)
    else:
        request_states.decline(request, reason="", by=cast.DESK)
    answer = office.post(address(ana, request), entered(request))
    said = f"This document was {state}. To record the paper, use “Signed on paper” above the list of documents."
    assert (answer.status_code, said in answer.text) == (409, True)
    for words_for_clients in ("You don’t need", "You declined", "ask us"):
        assert words_for_clients not in answer.text
    assert not Submission.objects.exists()
    # The advice works.
    assert office.post(address(ana), unshared(version)).status_code == 302


def test_a_second_paper_is_not_dropped_silently(office: Browser, ana: Client, consent: DocumentRequest) -> None:
    first, second = entered(consent), entered(consent) | {"signer_name": "Mia Abreu", "scan": scan()}
    for _press in range(2):
        assert office.post(address(ana, consent), first).status_code == 302
    answer = office.post(address(ana, consent), second)
    assert (answer.status_code, "already recorded a paper" in answer.text) == (409, True)
    assert "Mia Abreu" in answer.text
    assert office.get(address(ana, consent)).status_code == 302


def test_a_paper_of_what_was_signed_meanwhile_is_refused(
    office: Browser, ana: Client, consent: DocumentRequest
) -> None:
    shared_documents.signed(consent, PortalAccess.objects.get(own_client=ana))
    answer = office.post(address(ana, consent), entered(consent))
    assert (answer.status_code, "already been completed" in answer.text) == (409, True)


@pytest.mark.parametrize(
    "changed", [{"document": "other"}, {"person": "contact"}, {"signer_name": "Mia Abreu"}, {"scan": "new"}]
)
def test_back_and_another_paper_is_not_dropped_silently(
    office: Browser, practice: Practice, changed: dict[str, str]
) -> None:
    ana, version = cast.ana(practice), shared_documents.consent(practice)
    relationship, other = cast.guardian(ana), shared_documents.consent(practice)
    values = {"other": other.template.ref, "contact": relationship.ref, "new": scan()}
    typed = unshared(version)
    office.post(address(ana), typed)
    typed |= {name: values.get(text, text) for name, text in changed.items()}
    answer = office.post(address(ana), typed | ({"text": other.ref} if "document" in changed else {}))
    assert (answer.status_code, "a paper signed by Ana Abreu on Oct 30, 2026" in answer.text) == (409, True)
    assert Submission.objects.count() == 1


def test_a_paper_older_than_its_text_asks_for_the_text(office: Browser, practice: Practice) -> None:
    carol, old = cast.carol(practice), shared_documents.consent(practice)
    new = shared_documents.new_version(old.template, {"en": {"title": "Consent", "note": "", "text": "New words."}})
    typed = unshared(new) | {"signed_on": "01/15/1999", "text": ""}
    answer = office.post(address(carol), typed)
    assert (answer.status_code, "after the date on the paper" in answer.text) == (422, True)
    assert "Version 1, published on" in answer.text
    assert not Submission.objects.exists()
    assert office.post(address(carol), typed | {"text": old.ref}).status_code == 302
    assert Submission.objects.get().document_digest == old.digest


def test_a_shared_text_newer_than_the_paper_is_confirmed(
    office: Browser, ana: Client, consent: DocumentRequest
) -> None:
    answer = office.post(address(ana, consent), entered(consent) | {"text": ""})
    assert (answer.status_code, "withdraw this document" in answer.text) == (422, True)
    assert not Submission.objects.exists()
    other = shared_documents.consent(ana.practice)
    assert office.post(address(ana, consent), entered(consent) | {"text": other.ref}).status_code == 422
    assert office.post(address(ana, consent), entered(consent)).status_code == 302


def test_a_form_has_no_page_for_paper(office: Browser, ana: Client) -> None:
    access = PortalAccess.objects.get(own_client=ana)
    (form,) = shared_documents.shared(access, shared_documents.form(ana.practice))
    assert office.get(address(ana, form)).status_code == 404
    assert address(ana, form) not in office.get(documents(ana)).text


@pytest.mark.parametrize("number", [1, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser,
    ana: Client,
    consent: DocumentRequest,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    for _ in range(number):
        cast.guardian(ana)
        shared_documents.consent(ana.practice)
    with django_assert_num_queries(SHARED_QUERIES):
        office.get(address(ana, consent))
    with django_assert_num_queries(UNSHARED_QUERIES):
        office.get(address(ana))
