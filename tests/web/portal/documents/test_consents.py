"""Consents in the portal: read, signed once, and kept with their evidence."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_lookups, contact_changes
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, Submission, TemplateKind
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
PORTAL = "/portal/alder-street/"
LIST = f"{PORTAL}documents/"
SIGNATURE = {"name": "Ana Abreu", "relationship": "Self", "agrees": "on"}
# The session with its accesses, what is left to complete, and the client's bills twice.
HOME_QUERIES = 4
LIST_QUERIES = 3


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def consent(portal: Browser, ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))[0]


def access_of(person: Client) -> PortalAccess:
    return PortalAccess.objects.get(own_client=person)


def sign(portal: Browser, request: DocumentRequest, **fields: str) -> str:
    """Posts the signature and returns the text of the page that follows."""
    answer = portal.post(f"{LIST}{request.ref}/", SIGNATURE | fields, follow=True)
    return answer.text


def test_home_says_what_is_left(portal: Browser, consent: DocumentRequest) -> None:
    page = portal.get(f"{PORTAL}home/").text
    assert "1 of 1 left" in page
    assert re.search(r"<h3[^>]*>Consent to treatment</h3>", portal.get(LIST).text)
    assert f'href="{LIST}{consent.ref}/"' in page


def test_ana_signs_and_is_told_that_we_have_it(portal: Browser, consent: DocumentRequest) -> None:
    assert "I <em>agree</em> to treatment." in portal.get(f"{LIST}{consent.ref}/").text
    page = sign(portal, consent)
    assert "You can close this. We have it." in page
    submission = Submission.objects.get()
    assert (submission.signer_name, submission.relationship) == ("Ana Abreu", "Self")
    assert submission.statement.endswith(
        "I agree to sign electronically. I know that I can ask for a paper copy instead."
    )
    assert (submission.mailbox, submission.network_address) == ("a…a@mail.example", "127.0.0.1")
    assert submission.document_digest == consent.version.digest


def test_the_audit_log_has_both_digests(portal: Browser, consent: DocumentRequest) -> None:
    sign(portal, consent)
    entry = AuditEntry.objects.get(action=AuditAction.DOCUMENT_SIGNED)
    submission = Submission.objects.get()
    assert entry.about == consent.ref
    assert entry.details["document_digest"] == submission.document_digest
    assert entry.details["answers_digest"] == submission.answers_digest


def test_the_audit_log_names_the_contact_who_signed(practice: Practice, ana: Client) -> None:
    bruno = cast.guardian(ana)
    cast.contact_in_the_portal(Browser(), bruno)
    access = access_lookups.access_of(ana, bruno)
    assert access is not None
    (request,) = shared_documents.shared(access, shared_documents.consent(practice))
    shared_documents.signed(request, access)
    entry = AuditEntry.objects.get(action=AuditAction.DOCUMENT_SIGNED)
    assert (entry.details["access"], "Bruno" in str(entry.details["holder"])) == (bruno.ref, True)


def test_sent_again_it_shows_the_first_signature(portal: Browser, consent: DocumentRequest) -> None:
    sign(portal, consent)
    page = sign(portal, consent, name="Somebody Else")
    assert "You can close this. We have it." in page
    assert Submission.objects.get().signer_name == "Ana Abreu"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "Enter your full name."),
        ({"name": "123"}, "Enter your full name."),
        ({"relationship": ""}, "Enter your relationship to the client."),
        ({"agrees": ""}, "Check the box to sign electronically, or ask us for a paper copy."),
    ],
)
def test_an_incomplete_signature_signs_nothing(
    portal: Browser, consent: DocumentRequest, fields: dict[str, str], sentence: str
) -> None:
    answer = portal.post(f"{LIST}{consent.ref}/", {k: v for k, v in (SIGNATURE | fields).items() if v})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not Submission.objects.exists()


def test_each_kind_says_what_is_stored_with_it(portal: Browser, ana: Client) -> None:
    practice, access = ana.practice, PortalAccess.objects.get(own_client=ana)
    versions = (shared_documents.consent, shared_documents.file_to_read, shared_documents.form)
    consent, file, form = shared_documents.shared(access, *[publish(practice) for publish in versions])
    for address in (f"{consent.ref}/", f"{file.ref}/", f"{form.ref}/review/"):
        page = portal.get(f"{LIST}{address}").text
        told = page.partition('data-testid="evidence-told">')[2].partition("</p>")[0]
        for stored in (
            "time",
            "language",
            "how you signed in",
            "part of your email address",
            "IP address",
            "code (digest)",
        ):
            assert stored in told, address


def test_the_button_is_described_by_what_it_stores(portal: Browser, ana: Client) -> None:
    practice, access = ana.practice, PortalAccess.objects.get(own_client=ana)
    versions = (shared_documents.consent, shared_documents.file_to_read, shared_documents.form)
    consent, file, form = shared_documents.shared(access, *[publish(practice) for publish in versions])
    pages = {f"{consent.ref}/": "send", f"{file.ref}/": "confirm", f"{form.ref}/review/": "send"}
    for address, verb in pages.items():
        # The form that completes the document.
        ending = portal.get(f"{LIST}{address}").text.partition('name="version"')[2].partition("</form>")[0]
        assert f"When you {verb} this, we also store" in ending, address
        assert re.search('<button [^>]*aria-describedby="[^"]*evidence-told"', ending), address


def test_the_second_signature_asks_for_no_agreement(portal: Browser, ana: Client, consent: DocumentRequest) -> None:
    sign(portal, consent)
    (second,) = shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))
    assert "I agree to sign electronically" not in portal.get(f"{LIST}{second.ref}/").text
    sign(portal, second)
    assert "electronically" not in Submission.objects.latest("id").statement


def test_one_document_follows_the_other(portal: Browser, ana: Client) -> None:
    first, second = shared_documents.shared(
        access_of(ana), shared_documents.consent(ana.practice), shared_documents.consent(ana.practice)
    )
    page = sign(portal, first)
    assert "Done. Here is the next document." in page
    assert f'action="{LIST}{second.ref}/"' in page


def test_completed_documents_stay_with_their_pdf(portal: Browser, consent: DocumentRequest) -> None:
    sign(portal, consent)
    page = portal.get(LIST).text
    assert "Nothing to complete right now." in page
    assert f"{LIST}{consent.ref}/pdf/" in page
    shown = portal.get(f"{LIST}{consent.ref}/").text
    assert "Ana Abreu" in shown
    assert Submission.objects.get().document_digest in shown
    assert "127.0.0.1" not in shown
    assert portal.get(f"{LIST}{consent.ref}/pdf/").content.startswith(b"%PDF")


def _access_of(contact: Relationship) -> PortalAccess:
    access = access_lookups.access_of(contact.client, contact)
    assert access is not None
    return access


def test_a_contact_who_is_added_again_keeps_what_they_completed(practice: Practice, ana: Client) -> None:
    bruno, olga = cast.guardian(ana), cast.guardian(ana, "Olga", address="olga@mail.example")
    ben = cast.client(practice, "Ben", "Berg")
    of_ben = contacts.link(ben, bruno.contact, "guardian", by=cast.DESK)
    text, others = shared_documents.consent(practice), list[DocumentRequest]()
    for each in (olga, of_ben, bruno):
        cast.contact_in_the_portal(Browser(), each)
        (signed,) = shared_documents.shared(_access_of(each), text)
        shared_documents.signed(signed, _access_of(each))
        others.append(signed)
    signed = others.pop()
    (still_open,) = shared_documents.shared(_access_of(bruno), shared_documents.form(practice))
    contact_changes.end(bruno, by=cast.DESK)
    contact_changes.end(of_ben, by=cast.DESK)
    portal = cast.contact_in_the_portal(Browser(), contacts.link(ana, bruno.contact, "guardian", by=cast.DESK))
    listed = portal.get(LIST).text
    assert f"{LIST}{signed.ref}/" in listed
    assert portal.get(f"{LIST}{signed.ref}/").status_code == 200
    assert portal.get(f"{LIST}{signed.ref}/pdf/").status_code == 200
    # Not what was open, what the other guardian completed, or what he completed for another client.
    for request in (still_open, *others):
        assert request.ref not in listed
        assert portal.get(f"{LIST}{request.ref}/").status_code == 404


def test_carol_sees_nothing_of_it(client: Browser, practice: Practice, consent: DocumentRequest) -> None:
    carol = cast.in_the_portal(Browser(), cast.carol(practice))
    for path in ("", "review/", "done/", "pdf/", "declining/", "pages/1/"):
        assert carol.get(f"{LIST}{consent.ref}/{path}").status_code == 404


def test_a_withdrawn_document_is_not_signed(portal: Browser, consent: DocumentRequest) -> None:
    request_states.withdraw(consent, by=cast.DESK)
    assert "This document was withdrawn." in sign(portal, consent)
    assert "This document was withdrawn." in portal.get(f"{LIST}{consent.ref}/").text
    assert not Submission.objects.exists()


def test_with_sign_documents_off_there_are_none(portal: Browser, ana: Client, consent: DocumentRequest) -> None:
    PortalAccess.objects.filter(client=ana).update(signs_documents=False)
    assert portal.get(LIST).status_code == 404
    assert portal.post(f"{LIST}{consent.ref}/", SIGNATURE).status_code == 404
    assert "Documents" not in portal.get(f"{PORTAL}home/").text


def test_in_spanish_the_spanish_text_is_signed(portal: Browser, consent: DocumentRequest) -> None:
    portal.post(f"{PORTAL}profile/", {"language": "es"})
    assert "Acepto el <em>tratamiento</em>." in portal.get(f"{LIST}{consent.ref}/").text
    sign(portal, consent)
    submission = Submission.objects.get()
    assert submission.language == "es"
    assert submission.statement.startswith("He leído este documento")


def test_what_is_signed_is_the_page_that_was_read_whatever_another_tab_shows(
    portal: Browser, consent: DocumentRequest
) -> None:
    assert "Acepto" in portal.get(f"{LIST}{consent.ref}/?language=es").text
    portal.get(f"{PORTAL}home/?language=en")
    sign(portal, consent)
    submission = Submission.objects.get()
    assert submission.language == "es"
    assert submission.statement.startswith("He leído este documento")
    assert "Acepto firmar" in submission.statement


@pytest.mark.parametrize(
    "hidden", [{"page_language": ""}, {"page_language": "fr"}, {"agreement": ""}, {"agreement": "maybe"}]
)
def test_a_page_in_an_unknown_language_is_shown_again_and_nothing_signed(
    portal: Browser, consent: DocumentRequest, hidden: dict[str, str]
) -> None:
    answer = portal.post(f"{LIST}{consent.ref}/", SIGNATURE | hidden)
    assert (answer.status_code, "Nothing has been sent yet." in answer.text) == (409, True)
    assert 'value="Ana Abreu"' in answer.text
    assert not Submission.objects.exists()


def test_the_agreement_that_a_page_showed_is_kept_though_another_window_signed_first(
    portal: Browser, ana: Client, consent: DocumentRequest
) -> None:
    (second,) = shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))
    portal.get(f"{LIST}{second.ref}/")
    for request in (consent, second):
        portal.post(f"{LIST}{request.ref}/", SIGNATURE)
    assert "electronically" in Submission.objects.latest("id").statement


def test_a_page_that_did_not_show_the_agreement_asks_for_it(portal: Browser, consent: DocumentRequest) -> None:
    answer = portal.post(f"{LIST}{consent.ref}/", SIGNATURE | {"agreement": "none", "agrees": ""})
    assert (answer.status_code, "Check the box to sign electronically" in answer.text) == (422, True)
    assert 'name="agreement" value="shown"' in answer.text
    assert not Submission.objects.exists()


def test_in_spanish_the_evidence_is_spanish(portal: Browser, consent: DocumentRequest) -> None:
    portal.post(f"{PORTAL}profile/", {"language": "es"})
    portal.get(f"{LIST}{consent.ref}/")
    sign(portal, consent)
    page = portal.get(f"{LIST}{consent.ref}/").text
    assert "<dt>Cliente</dt>" in page
    assert re.search(r"<dt>Idioma</dt><dd[^>]*>Español</dd>", page)
    portal.post(f"{PORTAL}profile/", {"language": "en"})
    assert re.search(r"<dt>Language</dt><dd[^>]*>Spanish</dd>", portal.get(f"{LIST}{consent.ref}/").text)


def test_a_guardian_sees_whom_a_document_is_for(practice: Practice, portal: Browser, consent: DocumentRequest) -> None:
    relationship = cast.guardian(cast.client(practice, "Milo"))
    bruno = cast.contact_in_the_portal(Browser(), relationship)
    PortalAccess.objects.filter(relationship=relationship).update(signs_documents=True)
    access = PortalAccess.objects.get(relationship=relationship)
    for version in (shared_documents.consent(practice), shared_documents.file_to_read(practice)):
        (request,) = shared_documents.shared(access, version)
        assert f">For {access.client.name}</p>" in bruno.get(f"{LIST}{request.ref}/").text
    assert f">For {access.client.name}</p>" in bruno.get(LIST).text
    assert 'data-testid="for-whom"' not in portal.get(f"{LIST}{consent.ref}/").text


def test_home_counts_only_what_is_left(portal: Browser, ana: Client) -> None:
    first, _second = shared_documents.shared(
        access_of(ana), shared_documents.consent(ana.practice), shared_documents.consent(ana.practice)
    )
    sign(portal, first)
    page = portal.get(f"{PORTAL}home/").text
    assert "Complete 1 document<" in page
    assert "1 of 2 left" in page


def test_a_document_without_spanish_is_shown_in_english(portal: Browser, ana: Client) -> None:
    only = {"en": shared_documents.CONSENT["en"]}
    version = shared_documents.published(ana.practice, TemplateKind.CONSENT, only)
    (request,) = shared_documents.shared(access_of(ana), version)
    portal.post(f"{PORTAL}profile/", {"language": "es"})
    assert re.search(
        r'<section [^>]*lang="en"[^>]*data-testid="consent-text"', portal.get(f"{LIST}{request.ref}/").text
    )
    sign(portal, request)
    assert Submission.objects.get().language == "en"


def test_declining_is_offered_only_if_allowed(portal: Browser, ana: Client, consent: DocumentRequest) -> None:
    assert portal.get(f"{LIST}{consent.ref}/declining/").status_code == 404
    (request,) = shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice, may_be_declined=True))
    page = portal.post(f"{LIST}{request.ref}/declining/", {"reason": "I have a question."}, follow=True).text
    assert "You declined this document." in page
    request.refresh_from_db()
    assert (request.state, request.decline_reason) == ("declined", "I have a question.")


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_is_fixed(
    portal: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    versions = [shared_documents.consent(ana.practice) for _ in range(number * 2)]
    for request in shared_documents.shared(access_of(ana), *versions)[:number]:
        sign(portal, request)
    with django_assert_num_queries(LIST_QUERIES):
        portal.get(LIST)
    with django_assert_num_queries(HOME_QUERIES):
        portal.get(f"{PORTAL}home/")
