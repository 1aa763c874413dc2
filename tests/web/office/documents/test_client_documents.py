"""A client's `Documents`: staff see where each document stands, withdraw, review, countersign and download."""

import re
from datetime import timedelta

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portico.domain.access.address_change import change_requests, confirmation
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.access.sign_in import portal_sessions
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import portal_requests, request_states, signing
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import (
    Countersignature,
    DocumentRequest,
    RequestState,
    ResponseDraft,
    Submission,
    SubmissionReview,
    TemplateVersion,
)
from portico.domain.documents.sharing import document_mails, packet_sharing
from portico.domain.documents.submissions import submission_pdf
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents
from tests.domain.access.address_change.test_address_change import token_of

pytestmark = pytest.mark.django_db
# Session with the staff member and the practice, the client, packets, requests, forms that are begun, files, the audit
# entry, and the counts of the menu.
LIST_QUERIES = 8
# The same with the document, its files, and no packets.
SUBMISSION_QUERIES = 6


@pytest.fixture
def ana(practice: Practice) -> Client:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return client


def access_of(client: Client) -> PortalAccess:
    return PortalAccess.objects.get(own_client=client)


def shared(client: Client, *versions: TemplateVersion) -> list[DocumentRequest]:
    return shared_documents.shared(access_of(client), *versions or (shared_documents.consent(client.practice),))


def signed(client: Client) -> DocumentRequest:
    (request,) = shared(client)
    shared_documents.signed(request, access_of(client))
    return request


def submitted(client: Client, form: TemplateVersion) -> DocumentRequest:
    (request,) = shared(client, form)
    smokes = {"code": "smokes-0", "display": "No"}
    answers: dict[str, list[Answer]] = {"name": [{"valueString": "Ana"}], "smokes": [{"valueCoding": smokes}]}
    number = shared_documents.saved(request, answers)
    signer = shared_documents.signer(access_of(client))
    found = portal_requests.find(access_of(client), request.ref)
    assert found is not None
    signing.submit(found, language="en", draft_number=number, signature=None, signer=signer, by=cast.DESK)
    return request


def address(client: Client, request: DocumentRequest | None = None, path: str = "") -> str:
    return f"/office/clients/{client.ref}/documents/" + (f"{request.ref}/{path}" if request else "")


def test_fay_sees_each_document_with_its_state(office: Browser, ana: Client) -> None:
    _sent, opened, withdrawn, done = shared(ana, *(shared_documents.consent(ana.practice) for _ in range(4)))
    request_states.mark_opened(opened, language="en", by=cast.DESK)
    request_states.withdraw(withdrawn, by=cast.DESK)
    shared_documents.signed(done, access_of(ana))
    page = office.get(address(ana)).text
    for state in ("sent", "opened", "withdrawn", "completed"):
        assert page.count(f'data-state="{state}"') == 1
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENTS_VIEWED, client=ana).count() == 1


def marked_step(page: str) -> str:
    """Returns the step at which the only open document of the page stops, with its button."""
    found: list[str] = re.findall(r'data-state="marked">(.+?)</li>', page, re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_the_step_of_a_client_who_was_not_there(office: Browser, ana: Client, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=5))
    shared(ana)
    step = marked_step(office.get(address(ana)).text)
    assert "Not signed in since it was shared" in step
    assert f"/office/clients/{ana.ref}/edit/portal/" in step


def test_the_step_of_an_email_that_did_not_arrive(office: Browser, ana: Client, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=5))
    text = document_mails.default_text("en")
    version = shared_documents.consent(ana.practice)
    packet = packet_sharing.share(access_of(ana), [version], form_key=tokens.new_token(), by=cast.DESK, text=text)
    assert "The email is on its way" in marked_step(office.get(address(ana)).text)
    assert packet.email is not None
    OutgoingEmail.objects.filter(pk=packet.email.pk).update(state=EmailState.BOUNCED, settled_at=clock.now())
    step = marked_step(office.get(address(ana)).text)
    assert "The email did not arrive" in step
    assert f"/office/emails/{packet.email.ref}/" in step


def test_a_client_who_opened_it_was_there_also_after_a_change_of_address(
    office: Browser, ana: Client, stopped_clock: Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=5))
    text, version = document_mails.default_text("en"), shared_documents.consent(ana.practice)
    packet = packet_sharing.share(access_of(ana), [version], form_key=tokens.new_token(), by=cast.DESK, text=text)
    request_states.mark_opened(packet.requests.get(), language="en", by=cast.DESK)
    session = PortalSession.objects.select_related("account").latest("id")
    by = portal_sessions.actor_of(session)
    mail = change_requests.request(session, access_of(ana), "ana@new.example", form_key="", by=by)
    confirmation.confirm(ana.practice, token_of(mail))
    page = office.get(address(ana)).text
    assert "Signed in after it was shared" in page
    assert "Not signed in since it was shared" not in page
    assert "The email is on its way" not in page
    assert "Not signed yet" in marked_step(page)
    # A text to sign has nothing to begin.
    assert "tarted" not in page


def test_the_step_of_a_client_who_stopped_at_a_question(office: Browser, ana: Client) -> None:
    (request,) = shared(ana, shared_documents.form(ana.practice))
    assert "Not opened yet" in marked_step(office.get(address(ana)).text)
    request_states.mark_opened(request, language="en", by=cast.DESK)
    assert "Not started yet" in marked_step(office.get(address(ana)).text)
    shared_documents.saved(request, {"name": [{"valueString": "Ana"}]})
    ResponseDraft.objects.update(place="smokes")
    assert "Stopped at question 3 of 6" in marked_step(office.get(address(ana)).text)


def test_a_withdrawn_document_leaves_the_portal(office: Browser, ana: Client) -> None:
    (request,) = shared(ana)
    page = office.post(address(ana, request, "withdrawal/"), follow=True).text
    assert "The document was withdrawn." in page
    request.refresh_from_db()
    assert (request.state, request.withdrawn_by) == (RequestState.WITHDRAWN, "Fay")


def test_a_withdrawal_is_asked_for_twice(office: Browser, ana: Client) -> None:
    shared(ana)
    page = office.get(address(ana)).text
    folded = re.search(r'<details class="fold" data-testid="withdrawal">(.*?)</details>', page, re.DOTALL)
    assert folded
    assert "what they entered so far is deleted" in folded[1]
    assert page.count("/withdrawal/") == folded[1].count("/withdrawal/") == 1


def test_a_signed_document_is_not_withdrawn(office: Browser, ana: Client) -> None:
    request = signed(ana)
    page = office.post(address(ana, request, "withdrawal/"), follow=True).text
    assert "This document has already been completed." in page
    request.refresh_from_db()
    assert request.state == RequestState.COMPLETED


def test_a_declined_document_is_not_withdrawn(office: Browser, ana: Client) -> None:
    """The client declined it after Fay opened the page; the sentence is for staff."""
    (request,) = shared(ana, shared_documents.consent(ana.practice, may_be_declined=True))
    request_states.decline(request, reason="", by=cast.DESK)
    page = office.post(address(ana, request, "withdrawal/"), follow=True).text
    assert "This document was declined, so it can’t be withdrawn." in page
    assert "You declined" not in page
    request.refresh_from_db()
    assert request.state == RequestState.DECLINED


def test_fay_reviews_it_once(office: Browser, ana: Client) -> None:
    request = signed(ana)
    office.post(address(ana, request, "review/"), {"note": "Copy for the chart."})
    page = office.post(address(ana, request, "review/"), {"note": "Again."}, follow=True).text
    assert "Copy for the chart." in page
    assert "Mark as reviewed" not in page
    assert SubmissionReview.objects.get().reviewed_by.name == "Fay"
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENT_REVIEWED).count() == 1
    request.refresh_from_db()
    assert request.state == RequestState.REVIEWED


def test_what_is_not_completed_can_not_be_reviewed(office: Browser, ana: Client) -> None:
    (request,) = shared(ana)
    assert office.post(address(ana, request, "review/"), {"note": ""}).status_code == 404
    assert office.get(address(ana, request)).status_code == 404
    assert not SubmissionReview.objects.exists()


def test_a_consent_is_countersigned_once(office: Browser, ana: Client) -> None:
    request = signed(ana)
    assert office.post(address(ana, request, "countersignature/"), {"name": " "}).status_code == 422
    for name in ("Fay Frost", "Another Name"):
        office.post(address(ana, request, "countersignature/"), {"name": name})
    assert "by Fay Frost" in office.get(address(ana, request)).text
    assert Countersignature.objects.get().name == "Fay Frost"


def test_a_form_is_not_countersigned(office: Browser, ana: Client) -> None:
    request = submitted(ana, shared_documents.form(ana.practice))
    page = office.post(address(ana, request, "countersignature/"), {"name": "Fay Frost"}, follow=True).text
    assert "Only consent forms are countersigned." in page
    assert not Countersignature.objects.exists()


def test_staff_and_client_download_the_countersigned_pdf(office: Browser, ana: Client) -> None:
    request = signed(ana)
    portal = cast.in_the_portal(Browser(), ana)
    for browser, page in ((office, address(ana, request)), (portal, f"/portal/alder-street/documents/{request.ref}/")):
        assert "countersigned=1" not in browser.get(page).text
        assert browser.get(f"{page}pdf/?countersigned=1").status_code == 404
    office.post(address(ana, request, "countersignature/"), {"name": "Fay Frost"})
    for browser, page in ((office, address(ana, request)), (portal, f"/portal/alder-street/documents/{request.ref}/")):
        assert "countersigned=1" in browser.get(page).text
        both = browser.get(f"{page}pdf/?countersigned=1")
        assert f"document-{request.submission.ref}-countersigned.pdf" in both["Content-Disposition"]
        assert both.content != browser.get(f"{page}pdf/").content
    assert AuditEntry.objects.filter(details__kind="countersigned_document").count() == 2


def test_asked_again_the_old_answers_are_filled_in(office: Browser, ana: Client) -> None:
    old = shared_documents.form(ana.practice)
    request = submitted(ana, old)
    # The new version has no question about smoking.
    content = shared_documents.intake(shared_documents.item("name", "string", "Your name?"))
    new = shared_documents.new_version(old.template, content)
    for _ in range(2):
        page = office.post(address(ana, request, "asking-again/"), {"form_key": "a" * 43}, follow=True).text
        assert "The document was shared again. Earlier answers are filled in." in page
    again = DocumentRequest.objects.get(asks_again=request)
    assert (again.version, again.state) == (new, RequestState.SENT)
    assert ResponseDraft.objects.get(request=again).answers == [{"linkId": "name", "answer": [{"valueString": "Ana"}]}]
    assert again.packet.email is not None


def test_asked_again_without_old_answers_none_are_promised(office: Browser, ana: Client) -> None:
    page = office.post(address(ana, signed(ana), "asking-again/"), {"form_key": "a" * 43}, follow=True).text
    assert "The document was shared again." in page
    assert "Earlier answers are filled in" not in page


def test_only_owners_see_the_network_address(office: Browser, ana: Client) -> None:
    request = signed(ana)
    owner = cast.signed_in(Browser(), cast.elm(ana.practice))
    assert "203.0.113.7" in owner.get(address(ana, request)).text
    assert "203.0.113.7" not in office.get(address(ana, request)).text


def test_the_pdf_is_that_of_the_submission(office: Browser, ana: Client) -> None:
    request = signed(ana)
    submission = Submission.objects.select_related("request__version__template", "request__client__practice").get()
    assert office.get(address(ana, request, "pdf/")).content == submission_pdf.render(submission)


def test_ines_does_not_see_documents(client: Browser, ana: Client) -> None:
    request = signed(ana)
    biller = cast.signed_in(client, cast.ines(ana.practice))
    for path in (address(ana), address(ana, request), address(ana, request, "pdf/")):
        assert biller.get(path).status_code == 403


def test_a_document_is_found_only_under_its_client(office: Browser, ana: Client, practice: Practice) -> None:
    request = signed(ana)
    assert office.get(address(cast.carol(practice), request)).status_code == 404


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        request = signed(ana)
    with django_assert_num_queries(LIST_QUERIES):
        office.get(address(ana))
    with django_assert_num_queries(SUBMISSION_QUERIES):
        office.get(address(ana, request))
