"""Sharing the same document at the same time: it is asked for once."""

from functools import partial
from threading import Event

import pytest

from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.documents.models import DocumentRequest, Packet, TemplateVersion
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import asking_again, invitations, packet_sharing, shareable
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.at_once import HANDS, at_once, errors, second_waits

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed(access: PortalAccess) -> DocumentRequest:
    (request,) = shared_documents.shared(access, shared_documents.consent(access.practice))
    shared_documents.signed(request, access)
    request.refresh_from_db()
    return request


def test_the_same_form_shared_at_once_is_one_packet(access: PortalAccess) -> None:
    version = shared_documents.consent(access.practice)
    found = at_once(*[partial(packet_sharing.share, access, [version], form_key="a form", by=DESK)] * HANDS)
    assert errors(found) == []
    assert Packet.objects.count() == DocumentRequest.objects.count() == 1


def test_a_document_shared_by_many_at_once_is_asked_for_once(access: PortalAccess) -> None:
    version = shared_documents.consent(access.practice)
    found = at_once(
        *[partial(packet_sharing.share, access, [version], form_key=f"form {n}", by=DESK) for n in range(HANDS)]
    )
    assert errors(found) == [NotShareable] * (HANDS - 1)
    assert Packet.objects.count() == DocumentRequest.objects.count() == 1


def requested_without_the_lock(access: PortalAccess, version: TemplateVersion) -> DocumentRequest:
    packet = packet_sharing.create(access, [version], email=None, form_key="first", by=DESK)
    return packet.requests.get()


@pytest.mark.postgresql
def test_without_the_lock_it_would_be_asked_for_twice(access: PortalAccess) -> None:
    """Shows that sharing without the lock of the access does not see what a colleague is sharing."""
    version = shared_documents.consent(access.practice)
    is_read, is_shared = Event(), Event()

    def share_without_the_lock() -> None:
        waiting = shareable.not_open(access, [version])
        is_read.set()
        assert is_shared.wait(30)
        assert waiting == [version]
        requested_without_the_lock(access, version)

    def share() -> None:
        assert is_read.wait(30)
        packet_sharing.share(access, [version], form_key="second", by=DESK)
        is_shared.set()

    assert errors(at_once(share_without_the_lock, share)) == []
    assert DocumentRequest.objects.open().filter(access=access, version=version).count() == 2


@pytest.mark.postgresql
def test_the_same_document_in_an_invitation_at_the_same_time_is_asked_for_once(access: PortalAccess) -> None:
    version = shared_documents.consent(access.practice)
    entry, text = cast.entry_for(access.client), InvitationText("Welcome", "Hello [first name]")
    invite = partial(
        invitations.send, access.client, entry, text, [version], form_key="invitation", version=None, by=DESK
    )
    found = second_waits(partial(packet_sharing.share, access, [version], form_key="packet", by=DESK), invite)
    assert errors(found) == []
    assert DocumentRequest.objects.count() == 1
    assert "You have 1 document to complete." in str(Invitation.objects.get().email.content)


def test_asked_again_by_many_at_once_it_is_asked_for_once(signed: DocumentRequest) -> None:
    found = at_once(*[partial(asking_again.ask_again, signed, form_key=f"form {n}", by=DESK) for n in range(HANDS)])
    assert errors(found) == [NotShareable] * (HANDS - 1)
    assert signed.asked_again.count() == OutgoingEmail.objects.count() == 1


@pytest.mark.postgresql
def test_without_the_lock_it_would_be_asked_again_twice(access: PortalAccess, signed: DocumentRequest) -> None:
    """Shows that asking again without the lock of the access does not see that a colleague is asking again."""
    is_read, is_asked = Event(), Event()

    def ask_again_without_the_lock() -> None:
        waiting = shareable.not_open(access, [signed.version])
        is_read.set()
        assert is_asked.wait(30)
        assert waiting == [signed.version]
        again = requested_without_the_lock(access, signed.version)
        again.asks_again = signed
        again.save(update_fields=["asks_again"])

    def ask_again() -> None:
        assert is_read.wait(30)
        asking_again.ask_again(signed, form_key="second", by=DESK)
        is_asked.set()

    assert errors(at_once(ask_again_without_the_lock, ask_again)) == []
    assert signed.asked_again.open().count() == 2
