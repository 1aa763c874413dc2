"""`Check a document` finds a completed document by what is printed in it, and says whether it is unchanged."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import Submission
from portico.domain.documents.submissions import submission_pdf, verification
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, StoredFile
from tests import cast, shared_documents
from tests.support import files

pytestmark = pytest.mark.django_db
PAGE = "/office/documents/check/"


@pytest.fixture
def submission(practice: Practice) -> Submission:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(practice))
    return shared_documents.signed(request, access)


def result(browser: Browser, number: str) -> str:
    page = browser.get(PAGE, {"number": number}).text
    return page.partition('data-result="')[2].partition('"')[0]


def test_fay_finds_it_by_number_and_digest(office: Browser, submission: Submission) -> None:
    for printed in (submission.ref, f" {submission.document_digest.upper()} ", submission.answers_digest):
        assert result(office, printed) == "unchanged"
    assert AuditEntry.objects.filter(action=AuditAction.SUBMISSION_VIEWED, about=submission.ref).count() == 3


def test_a_digest_of_two_asks_for_the_number(office: Browser, submission: Submission) -> None:
    carol = cast.carol(submission.practice)
    cast.in_the_portal(Browser(), carol)
    access = PortalAccess.objects.get(own_client=carol)
    (request,) = shared_documents.shared(access, submission.request.version)
    carols = shared_documents.signed(request, access)
    pdf = submission_pdf.render(carols)
    for digest in (carols.document_digest, carols.answers_digest):
        assert compared(office, digest, pdf) == (422, "")
        page = office.get(PAGE, {"number": digest}).text
        assert "Enter the document number." in page
        assert "Ana" not in page
    assert compared(office, carols.ref, pdf) == (200, "same")
    assert AuditEntry.objects.filter(action=AuditAction.SUBMISSION_VIEWED, about=submission.ref).count() == 0


def test_what_was_not_stored_by_signing_is_named(office: Browser, submission: Submission) -> None:
    access, zeros = submission.request.access, "0" * 64
    (request,) = shared_documents.shared(access, shared_documents.consent(submission.practice))
    forged = Submission.objects.create(
        practice=submission.practice,
        request=request,
        language="en",
        document_digest=zeros,
        answers_digest=zeros,
        signer_name="Ana Abreu",
        signed_on=date(2026, 11, 2),
        recorded_by="Fay",
    )
    assert result(office, forged.ref) == "changed"
    assert [(each.ref, each.reason) for each in verification.problems()] == [
        (forged.ref, "the answers do not match their digest"),
        (forged.ref, "the document is not the one that was completed"),
        (forged.ref, "the audit log has no entry about it"),
        (request.ref, "the request has a submission and is not completed"),
    ]


def test_another_practice_does_not_find_it(client: Browser, submission: Submission) -> None:
    jo = cast.signed_in(client, cast.elm(cast.birch()))
    assert result(jo, submission.ref) == "unknown"
    assert result(jo, "") == ""


def compared(browser: Browser, number: str, content: bytes) -> tuple[int, str]:
    """Returns the status and the result of comparing a PDF."""
    posted = {"number": number, "pdf": SimpleUploadedFile("signed.pdf", content)}
    answer = browser.post(PAGE, posted)
    return answer.status_code, answer.text.partition('data-testid="comparison" data-result="')[2].partition('"')[0]


def test_a_pdf_is_the_one_that_was_downloaded(office: Browser, submission: Submission) -> None:
    ana = submission.request.client
    path = f"/office/clients/{ana.ref}/documents/{submission.request.ref}/pdf/"
    for browser in (office, cast.signed_in(Browser(), cast.elm(ana.practice))):
        # The owner's has the IP address.
        assert compared(office, submission.ref, browser.get(path).content) == (200, "same")
    # Nothing of it is stored.
    assert not StoredFile.objects.exists()


def test_an_altered_pdf_is_another_one(office: Browser, submission: Submission) -> None:
    content = submission_pdf.render(submission)
    other = shared_documents.consent(submission.practice)
    (request,) = shared_documents.shared(submission.request.access, other)
    another = submission_pdf.render(shared_documents.signed(request, submission.request.access))
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for altered in (changed, content + b"\n", content[:-40], another, files.pdf()):
        assert compared(office, submission.ref, altered) == (200, "other")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "This file is empty."), (files.jpeg(), "This file is not a PDF."), (b"text", "Choose a PDF")],
)
def test_what_is_no_pdf_is_refused(office: Browser, submission: Submission, content: bytes, sentence: str) -> None:
    answer = office.post(PAGE, {"number": submission.ref, "pdf": SimpleUploadedFile("signed.pdf", content)})
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert f'value="{submission.ref}"' in answer.text


def test_a_pdf_of_another_practice_is_not_compared(client: Browser, submission: Submission) -> None:
    jo = cast.signed_in(client, cast.elm(cast.birch()))
    assert compared(jo, submission.ref, submission_pdf.render(submission)) == (200, "")
