"""Bad days of a client who completes documents: a full disk, and access that was off for a while. Nothing is lost."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client as Browser

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, ResponseDraft, Submission
from portico.domain.documents.submissions import verification
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents
from tests.support.database import disk
from tests.web.portal.documents.test_forms import ABOUT, HEALTH, LIST, Filling

CONSENTS = 40
SIGNATURE = {"name": "Ana " + "A" * 90, "relationship": "R" * 100, "agrees": "on"}


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(client: Browser, ana: Client) -> Browser:
    return cast.in_the_portal(client, ana)


@pytest.fixture
def form(portal: Browser, ana: Client) -> DocumentRequest:
    access = PortalAccess.objects.get(own_client=ana)
    return shared_documents.shared(access, shared_documents.form(ana.practice))[0]


@pytest.fixture
def full_disk(transactional_db: None) -> Iterator[None]:
    """Closes the connection afterwards, for which the size of the database is limited."""
    yield
    connection.close()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_page_that_a_full_disk_did_not_save_is_saved_when_it_is_sent_again(
    full_disk: None, portal: Browser, form: DocumentRequest
) -> None:
    filling = Filling(portal, form)
    filling.fill(1, ABOUT)
    filling.open(2)
    # Longer than what may be free on the pages in use.
    typed = HEALTH | {"q6": "x" * 9000}
    usual = disk.limit()
    answer = filling.post(2, typed)
    disk.lift(usual)
    assert (answer.status_code, "No partial changes were saved." in answer.text) == (507, True)
    (draft,) = ResponseDraft.objects.all()
    assert ("Ana" in str(draft.answers), "xxx" in str(draft.answers)) == (True, False)
    assert filling.post(2, typed).status_code == 302
    draft.refresh_from_db()
    assert "x" * 9000 in str(draft.answers)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_signs_whole_documents_only(full_disk: None, portal: Browser, ana: Client) -> None:
    versions = [shared_documents.consent(ana.practice) for _ in range(CONSENTS)]
    requests = shared_documents.shared(PortalAccess.objects.get(own_client=ana), *versions)
    portal.get(f"{LIST}{requests[0].ref}/")
    usual = disk.limit()
    answers = [portal.post(f"{LIST}{each.ref}/", SIGNATURE).status_code for each in requests]
    disk.lift(usual)
    assert set(answers) == {302, 507}
    entries = AuditEntry.objects.filter(action=AuditAction.DOCUMENT_SIGNED)
    assert Submission.objects.count() == entries.count() == answers.count(302)
    assert list(verification.problems()) == []
    for each in requests:
        assert portal.post(f"{LIST}{each.ref}/", SIGNATURE).status_code == 302
    assert Submission.objects.count() == CONSENTS


@pytest.mark.django_db
def test_access_that_was_off_for_a_while_loses_no_answer(portal: Browser, ana: Client, form: DocumentRequest) -> None:
    filling = Filling(portal, form)
    filling.fill(1, ABOUT)
    filling.open(2)
    off = AccessInput(enabled=False, address=None, access_billing_documents=False, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=cast.DESK)
    assert "/portal/alder-street/documents/" not in filling.post(2, HEALTH).headers["Location"].split("?")[0]
    cast.in_the_portal(portal, ana)
    assert 'value="Ana"' in filling.open(1)
    assert filling.fill(2, HEALTH).headers["Location"].endswith("/review/")
    portal.get(f"{LIST}{form.ref}/review/")
    portal.post(f"{LIST}{form.ref}/review/", {"number": str(ResponseDraft.objects.get().number)})
    assert Submission.objects.get().request == form
