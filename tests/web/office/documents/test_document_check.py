"""`Check a document` finds a completed document by what is printed in it, and says whether it is unchanged."""

from datetime import date

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import Submission
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents

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


def test_another_practice_does_not_find_it(client: Browser, submission: Submission) -> None:
    jo = cast.signed_in(client, cast.elm(cast.birch()))
    assert result(jo, submission.ref) == "unknown"
    assert result(jo, "") == ""
