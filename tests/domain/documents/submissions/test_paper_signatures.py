"""Consents signed on paper: recorded once, whole, and never beside a signature in the portal."""

import io
from datetime import date

import pytest
from django.test import Client as Browser

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.documents.completion import request_states, uploads
from portico.domain.documents.models import DocumentRequest, Packet, Submission, Upload
from portico.domain.documents.refusals import DocumentCompleted, DocumentWithdrawn, NotSignedOnPaper, StillOpen
from portico.domain.documents.submissions import paper_signatures, submission_pdf, verification
from portico.domain.documents.submissions.paper_signatures import PaperSignature
from portico.domain.documents.submissions.submission_content import content_of
from portico.domain.documents.templates.template_files import UploadedFile
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.files.inspection import FileRejected
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import AuditEntry, FileState, OutgoingEmail, StoredFile
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support import files

pytestmark = pytest.mark.django_db
PAPER = PaperSignature(date(2026, 10, 30), "Ana Abreu", "Self", "Fay Frost", "es")


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    return ana


@pytest.fixture
def consent(ana: Client) -> DocumentRequest:
    return shared_documents.shared(access_of(ana), shared_documents.consent(ana.practice))[0]


def access_of(person: Client) -> PortalAccess:
    return PortalAccess.objects.get(own_client=person)


def scan(content: bytes = files.pdf()) -> UploadedFile:
    return UploadedFile(io.BytesIO(content), "signed consent.pdf")


def test_a_paper_completes_the_document_with_its_own_words(consent: DocumentRequest) -> None:
    submission = paper_signatures.record(consent, PAPER, scan=scan(), by=DESK)
    evidence = dict(content_of(submission).evidence)
    assert (evidence["Signed by"], evidence["Signed on paper on"]) == ("Ana Abreu", "Oct 30, 2026")
    assert (evidence["Witness"], evidence["Recorded by"], evidence["Language"]) == ("Fay Frost", DESK.name, "Spanish")
    assert evidence["Digest of the scan (SHA-256)"] == Upload.objects.get().file.sha256
    assert "Signed in with" not in evidence
    assert list(verification.problems()) == []
    entry = AuditEntry.objects.get(action=AuditAction.DOCUMENT_SIGNED_ON_PAPER)
    assert (entry.about, entry.details["signed_on"]) == (consent.ref, "2026-10-30")


def test_recorded_again_the_first_paper_counts(consent: DocumentRequest) -> None:
    first = paper_signatures.record(consent, PAPER, scan=scan(), by=DESK)
    assert paper_signatures.record(consent, PAPER, scan=scan(), by=DESK) == first
    assert Upload.objects.count() == 1
    # The scan of the second form is deleted.
    assert sorted(StoredFile.objects.values_list("state", flat=True)) == [FileState.COMPLETE, FileState.REMOVED]


def test_what_was_signed_in_the_portal_is_not_recorded(ana: Client, consent: DocumentRequest) -> None:
    shared_documents.signed(consent, access_of(ana))
    with pytest.raises(DocumentCompleted):
        paper_signatures.record(consent, PAPER, scan=scan(), by=DESK)
    assert not Upload.objects.exists()
    assert StoredFile.objects.get().state == FileState.REMOVED


def test_the_portal_does_not_sign_what_is_on_paper(ana: Client, consent: DocumentRequest) -> None:
    paper = paper_signatures.record(consent, PAPER, scan=None, by=DESK)
    assert shared_documents.signed(consent, access_of(ana)) == paper


def test_a_withdrawn_document_is_not_recorded(consent: DocumentRequest) -> None:
    request_states.withdraw(consent, by=DESK)
    with pytest.raises(DocumentWithdrawn):
        paper_signatures.record(consent, PAPER, scan=None, by=DESK)


def test_a_form_is_not_signed_on_paper(ana: Client) -> None:
    (form,) = shared_documents.shared(access_of(ana), shared_documents.form(ana.practice))
    with pytest.raises(NotSignedOnPaper):
        paper_signatures.record(form, PAPER, scan=None, by=DESK)


def test_what_is_no_scan_is_refused_beside_its_field(consent: DocumentRequest) -> None:
    with pytest.raises(FileRejected) as refusal:
        paper_signatures.record(consent, PAPER, scan=scan(b"MZ, a program"), by=DESK)
    assert refusal.value.field == "scan"
    assert not Submission.objects.exists()


def test_a_consent_that_was_never_shared(practice: Practice) -> None:
    """A client who was never given access: nothing is emailed, and access stays off."""
    carol, version = cast.carol(practice), shared_documents.consent(practice)
    access = access_lookups.access_or_default(carol)
    for _press in range(2):
        submission = paper_signatures.record_unshared(access, version, PAPER, scan=scan(), form_key="k", by=DESK)
    assert Submission.objects.get() == submission
    assert submission.request.version == version
    assert not access_of(carol).is_on
    assert not OutgoingEmail.objects.exists()
    assert list(verification.problems()) == []


def test_a_guardian_signs_on_paper_for_a_child(practice: Practice) -> None:
    bea = cast.bea(practice)
    relationship = cast.guardian(bea)
    access = access_lookups.access_or_default(bea, relationship)
    version = shared_documents.consent(practice)
    submission = paper_signatures.record_unshared(access, version, PAPER, scan=None, form_key="k", by=DESK)
    assert submission.request.access.relationship == relationship
    assert relationship.kind == RelationshipKind.GUARDIAN


def test_what_is_still_open_is_recorded_in_its_row(ana: Client, consent: DocumentRequest) -> None:
    with pytest.raises(StillOpen, match="Ana Abreu still has to complete this document"):
        paper_signatures.record_unshared(
            access_of(ana), consent.version, PAPER, scan=None, form_key=tokens.new_token(), by=DESK
        )


def test_a_key_that_shared_documents_records_none(ana: Client, consent: DocumentRequest) -> None:
    key = Packet.objects.get(requests=consent).form_key
    with pytest.raises(FormSentBefore):
        paper_signatures.record_unshared(access_of(ana), consent.version, PAPER, scan=None, form_key=key, by=DESK)


def test_the_pdf_names_the_paper(consent: DocumentRequest) -> None:
    submission = paper_signatures.record(consent, PAPER, scan=scan(), by=DESK)
    assert submission_pdf.render(submission) == submission_pdf.render(Submission.objects.get())
    assert uploads.answers_of(consent) == submission.answers
