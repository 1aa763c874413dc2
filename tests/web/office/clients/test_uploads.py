"""The files that a client sent: staff download them, safely, and every view is in the audit log."""

import io
from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import TemplateKind, Upload
from portico.domain.maintenance.tasks import stop_waiting_for_scanner
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.files import virus_checks
from portico.plumbing.models import AuditEntry, StoredFile, VirusCheck
from tests import cast, shared_documents
from tests.support import files

pytestmark = pytest.mark.django_db
CARD = {"en": {"title": "Insurance card", "note": "Send both sides."}}
# Session with the staff member and the practice, the client, packets, requests, forms that are begun, files, the audit
# entry, and the counts of the menu.
QUERIES = 8


@pytest.fixture
def ana(practice: Practice) -> Client:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return client


def uploaded(client: Client, content: bytes = b"", name: str = "card.pdf") -> Upload:
    version = shared_documents.published(client.practice, TemplateKind.UPLOAD, CARD)
    (request,) = shared_documents.shared(PortalAccess.objects.get(client=client), version)
    return uploads.add(request, io.BytesIO(content or files.pdf()), name=name, by=cast.DESK)


def address(client: Client, upload: Upload | None = None) -> str:
    """Returns the address of the upload; without one, that of the documents, which list the client's files."""
    return f"/office/clients/{client.ref}/" + (f"files/{upload.ref}/" if upload else "documents/")


def test_fay_downloads_a_file_as_it_was_sent(office: Browser, ana: Client) -> None:
    upload = uploaded(ana, name="Tarjeta ñ.pdf")
    page = office.get(address(ana)).text
    assert "Tarjeta ñ.pdf" in page
    assert "Insurance card" in page
    assert "Not checked for viruses." in page
    response = office.get(address(ana, upload))
    assert response.getvalue() == files.pdf()
    assert response.headers["Content-Length"] == str(len(files.pdf()))
    assert response.headers["Content-Type"] == "application/pdf"


def test_a_download_never_runs_on_our_pages(office: Browser, ana: Client) -> None:
    headers = office.get(address(ana, uploaded(ana, files.pdf(b"/JavaScript (app.alert)")))).headers
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-store"
    assert "This PDF contains scripts." in office.get(address(ana)).text


def test_views_and_downloads_are_in_the_audit_log(office: Browser, ana: Client) -> None:
    upload = uploaded(ana)
    office.get(address(ana))
    office.get(address(ana, upload))
    entries = AuditEntry.objects.filter(action__in=[AuditAction.DOCUMENTS_VIEWED, AuditAction.UPLOAD_DOWNLOADED])
    assert [(entry.actor_name, entry.client_id) for entry in entries] == [("Fay", ana.pk)] * 2


def test_a_file_of_another_client_or_practice_is_not_found(office: Browser, ana: Client, practice: Practice) -> None:
    carol = cast.carol(practice)
    assert office.get(address(carol, uploaded(ana))).status_code == 404
    dora = cast.dora(cast.birch())
    cast.in_the_portal(Browser(), dora)
    assert office.get(address(dora, uploaded(dora))).status_code == 404


def test_a_removed_file_is_not_found(office: Browser, ana: Client) -> None:
    upload = uploaded(ana)
    uploads.remove(upload, by=cast.DESK)
    assert office.get(address(ana, upload)).status_code == 404
    assert "card.pdf" not in office.get(address(ana)).text


@pytest.mark.parametrize(
    ("state", "hours", "sentence"),
    [
        (VirusCheck.CHECKING, 0, "Being checked for viruses."),
        (VirusCheck.CHECKING, 1, "The virus scanner doesn’t answer."),
        (VirusCheck.INFECTED, 0, "A virus was found (Eicar)."),
    ],
)
def test_an_unchecked_or_infected_file_is_never_served(
    office: Browser, ana: Client, state: VirusCheck, hours: int, sentence: str
) -> None:
    upload = uploaded(ana)
    since = clock.now() - timedelta(hours=hours)
    StoredFile.objects.update(virus_check=state, virus_name="Eicar", completed_at=since)
    page = office.get(address(ana)).text
    assert sentence in page
    assert address(ana, upload) not in page
    assert office.get(address(ana, upload)).status_code == 404


def test_files_that_wait_for_a_removed_scanner_can_be_opened(office: Browser, ana: Client) -> None:
    with override_settings(CLAMD_URL="tcp://127.0.0.1:9"):
        upload = uploaded(ana)
        stop_waiting_for_scanner()
        assert office.get(address(ana, upload)).status_code == 404
    stop_waiting_for_scanner()
    assert "Not checked for viruses." in office.get(address(ana)).text
    assert office.get(address(ana, upload)).status_code == 200


def test_staff_see_that_a_virus_was_found(office: Browser, ana: Client) -> None:
    class Scanner:
        def scan(self, parts: object) -> str:
            return "Eicar"

    uploaded(ana)
    StoredFile.objects.update(virus_check=VirusCheck.CHECKING)
    assert virus_checks.check_next(Scanner(), uploads.record_virus)
    assert "A virus was found (Eicar). The file was deleted." in office.get(address(ana)).text
    assert AuditEntry.objects.get(action=AuditAction.VIRUS_FOUND).client_id == ana.pk


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        uploaded(ana, files.pdf(b"%d" % each))
    office.get(address(ana))
    with django_assert_num_queries(QUERIES):
        office.get(address(ana))


def test_the_address_of_the_earlier_tab_leads_to_the_files(office: Browser, ana: Client) -> None:
    uploaded(ana)
    page = office.get(f"/office/clients/{ana.ref}/files/", follow=True)
    assert page.redirect_chain == [(f"{address(ana)}#files", 302)]
    assert 'id="files"' in page.text
    assert f'/office/clients/{ana.ref}/files/"' not in page.text
