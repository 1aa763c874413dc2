"""A form that is filled in, and what two windows do with it at once."""

from portico.domain.access.models import PortalAccess
from portico.domain.documents.completion import drafts, portal_requests, signing
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.models import DocumentRequest, Submission
from tests import shared_documents
from tests.cast import DESK

ANSWERS: dict[str, list[Answer]] = {"name": [{"valueString": "Ana"}], "smokes": [{"valueCoding": {"code": "smokes-0"}}]}
LATER: dict[str, list[Answer]] = {"notes": [{"valueString": "One more thing"}]}


def filled_form(access: PortalAccess) -> DocumentRequest:
    (request,) = shared_documents.shared(access, shared_documents.form(access.practice))
    shared_documents.saved(request, ANSWERS)
    found = portal_requests.find(access, request.ref)
    assert found is not None
    return found


def submit(request: DocumentRequest, access: PortalAccess) -> Submission:
    return signing.submit(
        request,
        language="en",
        draft_number=1,
        signature=None,
        signer=shared_documents.signer(access),
        by=DESK,
    )


def save(request: DocumentRequest) -> int:
    page = OpenedPage(1, "page", 1)
    return drafts.save(request, LATER, page=page, place="", language="en", by=DESK).draft.number
