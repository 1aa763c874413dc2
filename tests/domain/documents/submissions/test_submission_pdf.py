"""PDFs of completed documents: the same bytes each time, with the answers, the signature and no IP address."""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.test import Client as Browser
from pypdf import PdfReader

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.completion import portal_requests, signing
from portico.domain.documents.models import Submission
from portico.domain.documents.submissions import reviews, submission_pdf, verification
from portico.domain.practices.models import Practice
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    return PortalAccess.objects.get(own_client=ana)


@pytest.fixture
def signed(access: PortalAccess) -> Submission:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    return shared_documents.signed(request, access)


@pytest.fixture
def submitted(access: PortalAccess) -> Submission:
    (request,) = shared_documents.shared(access, shared_documents.form(access.practice))
    number = shared_documents.saved(
        request,
        {
            "name": [{"valueString": "Ana"}],
            "smokes": [{"valueCoding": {"code": "smokes-0"}}],
            "notes": [{"valueString": "Two lines,\nand #not [markup]."}],
        },
    )
    found = portal_requests.find(access, request.ref)
    assert found is not None
    return signing.submit(
        found,
        language="en",
        draft_number=number,
        signature=None,
        signer=shared_documents.signer(access),
        by=cast.DESK,
    )


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def again(submission: Submission) -> Submission:
    found = verification.find_submission(submission.request.practice, submission.ref)
    assert found is not None
    return found


def test_a_signed_consent_has_text_signature_and_evidence(signed: Submission) -> None:
    words = text_of(submission_pdf.render(again(signed)))
    for expected in ("Risks", "I agree to treatment.", "Ana Abreu", "Self", "A link sent to a…a@mail.example"):
        assert expected in words
    assert signed.ref in words
    assert "203.0.113.7" not in words
    assert "203.0.113.7" in text_of(submission_pdf.render(again(signed), with_network_address=True))


def test_a_form_has_every_answer(submitted: Submission) -> None:
    words = text_of(submission_pdf.render(again(submitted)))
    for expected in ("About you", "What do you like to be called?", "Two lines,", "and #not [markup]."):
        assert expected in words
    assert "How many a day?" not in words


def test_it_is_the_same_from_the_rows_of_any_database(submitted: Submission) -> None:
    """The order of keys in stored JSON, which differs between databases, does not matter."""
    submitted.answers = [dict(reversed(each.items())) for each in submitted.answers]
    assert submission_pdf.render(submitted) == submission_pdf.render(again(submitted))


def test_it_is_the_same_whenever_it_is_made(signed: Submission, stopped_clock: time_machine.Traveller) -> None:
    first = submission_pdf.render(again(signed))
    stopped_clock.shift(timedelta(days=400))
    assert submission_pdf.render(again(signed)) == first


def test_it_keeps_the_name_of_the_day(signed: Submission) -> None:
    first = submission_pdf.render(again(signed))
    Client.objects.filter(pk=signed.request.client_id).update(last_name="Brown")
    assert submission_pdf.render(again(signed)) == first
    assert "Ana Abreu" in text_of(first)


def test_the_countersigned_pdf_is_another_document(signed: Submission, stopped_clock: time_machine.Traveller) -> None:
    first = submission_pdf.render(again(signed))
    stopped_clock.shift(timedelta(days=2))
    made = reviews.countersign(signed.request, name="Fay Frost", by=cast.fay(signed.practice).actor)
    # The PDF that was downloaded before keeps its bytes.
    assert submission_pdf.render(again(signed)) == first
    countersigned = submission_pdf.render(again(signed), countersignature=made)
    words = text_of(countersigned)
    for expected in ("Countersignature", "Fay Frost", signed.request.practice.name, "Ana Abreu"):
        assert expected in words
    assert "Countersignature" not in text_of(first)
    stopped_clock.shift(timedelta(days=400))
    assert submission_pdf.render(again(signed), countersignature=made) == countersigned
    for content in (first, countersigned):
        assert submission_pdf.is_made_of(again(signed), BytesIO(content))
