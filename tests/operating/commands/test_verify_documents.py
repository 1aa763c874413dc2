"""`portico verify-documents` names what is wrong with documents, and exits with 1."""

import io
import json

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import DocumentRequest, RequestState, Submission, Upload
from portico.domain.documents.submissions import verification
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import FileChunk
from tests import cast, shared_documents
from tests.operating.commands.test_verifying import run
from tests.support import files
from tests.support.portal_client import Browser as PressingBrowser

pytestmark = pytest.mark.django_db


def test_a_file_that_was_replaced_is_named(practice: Practice) -> None:
    ana, browser = cast.ana(practice), PressingBrowser()
    cast.in_the_portal(browser, ana)
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.request_for_file(practice))
    upload = uploads.add(request, io.BytesIO(files.pdf()), name="card.pdf", by=cast.DESK)
    browser.post(f"{practice.portal_path}documents/{request.ref}/")
    assert run("verify_documents") == (0, "The documents are unchanged.\n")
    # The content and its digest fit each other, and not what was submitted.
    another = files.stored(practice, files.pdf(b"another"))
    Upload.objects.filter(pk=upload.pk).update(file=another)
    submission = Submission.objects.get()
    assert run("verify_documents") == (1, f"{submission.ref}: a file is not the one that was sent\n")
    assert verification.check(submission) != []


def test_a_file_whose_content_was_changed_is_named(practice: Practice) -> None:
    file = files.stored(practice, files.pdf())
    assert run("verify_documents") == (0, "The documents are unchanged.\n")
    chunk = FileChunk.objects.get(file=file)
    chunk.delete()
    FileChunk.objects.create(
        practice=practice, file=file, position=chunk.position, content=bytes(chunk.content)[:-1] + b"!"
    )
    assert run("verify_documents") == (1, f"{file.ref}: the content of the file does not match its digest\n")


def test_documents_are_unchanged_or_named(practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    signed, unsigned = shared_documents.shared(access, *(shared_documents.consent(practice) for _ in range(2)))
    shared_documents.signed(signed, access)
    assert run("verify_documents") == (0, "The documents are unchanged.\n")
    DocumentRequest.objects.filter(pk=unsigned.pk).update(state=RequestState.COMPLETED, completed_at=clock.now())
    code, output = run("verify_documents", "--json")
    reason = "the request is completed without a submission"
    assert (code, json.loads(output)["problems"]) == (1, [{"ref": unsigned.ref, "reason": reason}])
    assert run("verify_documents") == (1, f"{unsigned.ref}: {reason}\n")
