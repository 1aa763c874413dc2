"""Documents are shared with one access, once for each form, and withdrawn or declined while they are open."""

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, Status
from portico.domain.documents.completion import drafts, portal_requests, request_states
from portico.domain.documents.models import DocumentRequest, Packet, RequestState, ResponseDraft
from portico.domain.documents.refusals import (
    DocumentCompleted,
    DocumentDeclined,
    DocumentWithdrawn,
    NotDeclinable,
    NotShareable,
)
from portico.domain.documents.sharing import packet_sharing
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents
from tests.cast import DESK

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def access(ana: Client) -> PortalAccess:
    return cast.with_access(ana)


def test_a_packet_has_its_documents_in_order(access: PortalAccess) -> None:
    consent, form = shared_documents.consent(access.practice), shared_documents.form(access.practice)
    packet = packet_sharing.share(access, [form, consent], form_key="a", by=DESK)
    assert [each.version for each in packet.requests.order_by("position")] == [form, consent]
    assert {each.state for each in packet.requests.all()} == {RequestState.SENT}
    entry = AuditEntry.objects.get(action=AuditAction.DOCUMENTS_SHARED)
    assert (entry.about, entry.details) == (packet.ref, {"number": 2})


def test_the_same_form_twice_shares_once(access: PortalAccess) -> None:
    consent = shared_documents.consent(access.practice)
    first = packet_sharing.share(access, [consent], form_key="a", by=DESK)
    assert packet_sharing.share(access, [consent], form_key="a", by=DESK) == first
    with pytest.raises(FormSentBefore):
        packet_sharing.share(access, [shared_documents.form(access.practice)], form_key="a", by=DESK)
    assert DocumentRequest.objects.count() == 1


def test_one_form_may_share_with_two_accesses(access: PortalAccess) -> None:
    consent = shared_documents.consent(access.practice)
    packet_sharing.share(access, [consent], form_key="a", by=DESK)
    packet_sharing.share(cast.with_access(cast.carol(access.practice)), [consent], form_key="a", by=DESK)
    assert Packet.objects.count() == 2


def test_who_may_not_sign_gets_nothing(access: PortalAccess) -> None:
    PortalAccess.objects.update(signs_documents=False)
    with pytest.raises(NotShareable, match="Check Sign documents"):
        packet_sharing.share(access, [shared_documents.consent(access.practice)], form_key="a", by=DESK)


def test_an_archived_client_gets_nothing(access: PortalAccess) -> None:
    Client.objects.filter(pk=access.client_id).update(status=Status.ARCHIVED)
    with pytest.raises(NotShareable, match="is archived"):
        packet_sharing.share(access, [shared_documents.consent(access.practice)], form_key="a", by=DESK)


def test_an_archived_document_is_not_shared(access: PortalAccess) -> None:
    version = shared_documents.consent(access.practice, archived_at=clock.now())
    with pytest.raises(NotShareable, match="“Consent to treatment” is archived"):
        packet_sharing.share(access, [version], form_key="a", by=DESK)


def test_documents_wait_for_the_invitation(access: PortalAccess) -> None:
    PortalAccess.objects.update(enabled_at=None)
    packet_sharing.share(access, [shared_documents.consent(access.practice)], form_key="a", by=DESK)
    assert DocumentRequest.objects.count() == 1


def test_another_practices_document_is_a_mistake(access: PortalAccess) -> None:
    with pytest.raises(ValueError, match="of the practice"):
        packet_sharing.share(access, [shared_documents.consent(cast.birch())], form_key="a", by=DESK)


def test_opened_is_recorded_once(access: PortalAccess) -> None:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    request_states.mark_opened(request, language="es", by=DESK)
    request_states.mark_opened(request, language="en", by=DESK)
    request.refresh_from_db()
    assert (request.state, request.language) == (RequestState.OPENED, "es")
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENT_OPENED).count() == 1


def test_withdrawing_deletes_the_draft_and_ends_it(access: PortalAccess) -> None:
    (request,) = shared_documents.shared(access, shared_documents.form(access.practice))
    shared_documents.saved(request, {"name": [{"valueString": "Ana"}]})
    request_states.withdraw(request, by=DESK)
    request_states.withdraw(request, by=DESK)
    assert not ResponseDraft.objects.exists()
    with pytest.raises(DocumentWithdrawn):
        shared_documents.saved(request, {"name": [{"valueString": "Ana"}]})
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENT_WITHDRAWN).count() == 1


def test_what_is_completed_is_not_withdrawn(access: PortalAccess, ana: Client) -> None:
    cast.in_the_portal(Browser(), ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    shared_documents.signed(request, PortalAccess.objects.get(own_client=ana))
    with pytest.raises(DocumentCompleted):
        request_states.withdraw(request, by=DESK)


def test_declining_needs_permission_and_is_final(access: PortalAccess) -> None:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    with pytest.raises(NotDeclinable):
        request_states.decline(request, reason="", by=DESK)
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice, may_be_declined=True))
    request_states.decline(request, reason="Later", by=DESK)
    request_states.decline(request, reason="Again", by=DESK)
    request.refresh_from_db()
    assert (request.state, request.decline_reason) == (RequestState.DECLINED, "Later")
    with pytest.raises(DocumentDeclined):
        request_states.withdraw(request, by=DESK)


def test_declining_deletes_the_draft(access: PortalAccess) -> None:
    form = shared_documents.form(access.practice, may_be_declined=True)
    (request,) = shared_documents.shared(access, form)
    shared_documents.saved(request, {"name": [{"valueString": "Ana"}]})
    request_states.decline(request, reason="", by=DESK)
    assert not ResponseDraft.objects.exists()


def test_progress_counts_what_is_left_of_open_packets(access: PortalAccess, ana: Client) -> None:
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    practice = access.practice
    first, _second, third = shared_documents.shared(access, *(shared_documents.consent(practice) for _ in range(3)))
    shared_documents.signed(first, access)
    request_states.withdraw(third, by=DESK)
    (other,) = shared_documents.shared(access, shared_documents.form(practice))
    progress = portal_requests.progress(access)
    assert progress is not None
    assert (progress.left, progress.total, progress.minutes, progress.is_begun) == (2, 3, 8, True)
    assert portal_requests.open_counts(access.account) == {access.pk: 2}  # type: ignore[arg-type]
    assert drafts.of(other) is None
