"""The file of a shareable document: uploaded and downloaded in the office, by owners and clinicians."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import publishing, template_editing
from portico.domain.practices.models import Practice
from tests import cast
from tests.support import files

pytestmark = pytest.mark.django_db


@pytest.fixture
def policies(practice: Practice) -> DocumentTemplate:
    return template_editing.create(practice, kind=TemplateKind.FILE, title="Office policies", by=cast.DESK)


def put(office: Browser, template: DocumentTemplate, content: bytes) -> str:
    """Uploads the English file; returns the page that follows."""
    posted = {"file_en": SimpleUploadedFile("policies.pdf", content), "title": template.title, "title_en": "Policies"}
    page = f"/office/settings/documents/{template.ref}/"
    return office.post(page, posted | {"revision": str(template.revision)}, follow=True).text


def test_dr_elm_uploads_a_file_and_publishes_it(
    client: Browser, practice: Practice, policies: DocumentTemplate
) -> None:
    office = cast.signed_in(client, cast.elm(practice))
    assert "The file is missing." in office.get(f"/office/settings/documents/{policies.ref}/").text
    assert "policies.pdf" in put(office, policies, files.pdf())
    assert office.get(f"/office/settings/documents/{policies.ref}/en/file/").getvalue() == files.pdf()
    policies.refresh_from_db()
    version = publishing.publish(policies, by=cast.DESK)
    assert version.content["en"]["file"]["name"] == "policies.pdf"


def test_a_program_is_refused_with_a_sentence(client: Browser, practice: Practice, policies: DocumentTemplate) -> None:
    office = cast.signed_in(client, cast.elm(practice))
    assert "This file can’t be used." in put(office, policies, b"MZ\x90\0")
    assert office.get(f"/office/settings/documents/{policies.ref}/en/file/").status_code == 404


def test_fay_cannot_put_a_file_into_a_document(office: Browser, policies: DocumentTemplate) -> None:
    posted = {"file_en": SimpleUploadedFile("a.pdf", files.pdf()), "title": "Office policies", "revision": "1"}
    assert office.post(f"/office/settings/documents/{policies.ref}/", posted).status_code == 403
