"""`portico verify-documents` names what is wrong with documents, and exits with 1."""

import json

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest, RequestState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast, shared_documents
from tests.operating.test_verifying import run

pytestmark = pytest.mark.django_db


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
