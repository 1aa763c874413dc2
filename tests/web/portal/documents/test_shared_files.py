"""Files that the practice shares: downloaded, confirmed as read, and there for as long as the client has access."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, RequestState, Submission, TemplateKind
from portico.domain.documents.templates import version_files
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, StoredFile, VirusCheck
from tests import cast, shared_documents
from tests.support import files

pytestmark = pytest.mark.django_db
LIST = "/portal/alder-street/documents/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def policies(portal: Browser, ana: Client) -> DocumentRequest:
    version = shared_documents.file_to_read(ana.practice)
    return shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)[0]


def test_ana_downloads_the_file_and_confirms_that_she_read_it(portal: Browser, policies: DocumentRequest) -> None:
    assert "Office policies.pdf" in portal.get(f"{LIST}{policies.ref}/").text
    response = portal.get(f"{LIST}{policies.ref}/file/")
    assert response.getvalue() == files.pdf()
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "You can close this. We have it." in portal.post(f"{LIST}{policies.ref}/", follow=True).text
    policies.refresh_from_db()
    assert policies.state == RequestState.COMPLETED
    assert Submission.objects.get().document_digest == policies.version.digest
    completed = portal.get(f"{LIST}{policies.ref}/").text
    assert "Office policies.pdf" in completed
    assert f'href="{LIST}{policies.ref}/file/"' in completed
    assert portal.get(f"{LIST}{policies.ref}/file/").getvalue() == files.pdf()


def test_what_is_downloaded_is_what_is_confirmed_in_the_language_of_the_page(portal: Browser, ana: Client) -> None:
    content = {
        language: {"title": "Policies", "note": "", "file": version_files.stated(files.stored(ana.practice, name=name))}
        for language, name in (("en", "English.pdf"), ("es", "Spanish.pdf"))
    }
    version = shared_documents.published(ana.practice, TemplateKind.FILE, content)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    portal.get(f"{LIST}{request.ref}/")
    page = portal.get(f"{LIST}{request.ref}/?language=es").text
    portal.get(f"{LIST}?language=en")
    link = re.search(r'href="([^"]+/file/[^"]*)"', page)
    assert link
    assert "Spanish.pdf" in portal.get(link[1]).headers["Content-Disposition"]
    portal.post(f"{LIST}{request.ref}/")
    assert Submission.objects.get().language == "es"
    assert "Spanish.pdf" in portal.get(f"{LIST}{request.ref}/file/").headers["Content-Disposition"]


def test_a_download_is_in_the_audit_log(portal: Browser, policies: DocumentRequest) -> None:
    portal.get(f"{LIST}{policies.ref}/file/")
    entry = AuditEntry.objects.get(action=AuditAction.SHARED_FILE_OPENED)
    assert (entry.about, entry.details["sha256"]) == (policies.ref, StoredFile.objects.get().sha256)


@pytest.mark.parametrize("state", [VirusCheck.CHECKING, VirusCheck.INFECTED])
def test_an_unchecked_file_can_neither_be_opened_nor_confirmed(
    portal: Browser, policies: DocumentRequest, state: VirusCheck
) -> None:
    StoredFile.objects.update(virus_check=state)
    page = portal.get(f"{LIST}{policies.ref}/").text
    assert "This file can’t be opened right now." in page
    assert "I have read this" not in page
    assert portal.post(f"{LIST}{policies.ref}/").status_code == 409
    assert not Submission.objects.exists()
    assert portal.get(f"{LIST}{policies.ref}/file/").status_code == 404


def test_a_withdrawn_file_and_that_of_another_client_are_not_found(
    portal: Browser, policies: DocumentRequest, ana: Client
) -> None:
    carol = cast.in_the_portal(Browser(), cast.carol(ana.practice))
    assert carol.get(f"{LIST}{policies.ref}/file/").status_code == 404
    request_states.withdraw(policies, by=cast.DESK)
    assert portal.get(f"{LIST}{policies.ref}/file/").status_code == 404


def test_a_version_without_a_file_shows_that(portal: Browser, ana: Client) -> None:
    version = shared_documents.published(ana.practice, TemplateKind.FILE, {"en": {"title": "Policies", "note": ""}})
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    assert "This file can’t be opened right now." in portal.get(f"{LIST}{request.ref}/").text
    assert portal.post(f"{LIST}{request.ref}/").status_code == 409
