"""An invitation shares its documents in the same transaction, once, and its mail says how many there are."""

from dataclasses import replace

import pytest
from django.test import Client as Browser

from portico.domain.access import access_grants
from portico.domain.access.models import Invitation, ItemState, PortalAccess
from portico.domain.access.onboarding import invitation_run_worker, invitation_text
from portico.domain.access.onboarding.invitations import CannotSendInvitation, SentInvitation
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Packet, TemplateKind, TemplateVersion
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import invitations, shareable
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.mail import delivery
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.servers.smtp import SmtpServer

TEXT = invitation_text.default_text("en")


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def packet_of(practice: Practice) -> list[TemplateVersion]:
    consent = shared_documents.consent(practice, in_welcome_packet=True)
    return [consent, shared_documents.form(practice, in_welcome_packet=True, position=1)]


def titled(practice: Practice, title: str, place: int, *, in_welcome_packet: bool = True) -> TemplateVersion:
    content = {"en": {"title": title, "note": "", "text": "Please read this."}}
    return shared_documents.published(
        practice, TemplateKind.CONSENT, content, position=place, in_welcome_packet=in_welcome_packet
    )


def send(client: Client, *versions: TemplateVersion, form_key: str = "a") -> SentInvitation:
    entry = cast.entry_for(client)
    return invitations.send(client, entry, TEXT, versions, form_key=form_key, version=None, by=DESK)


def test_the_packet_is_announced_by_the_invitation(ana: Client, smtp: SmtpServer) -> None:
    sent = send(ana, *packet_of(ana.practice))
    packet = Packet.objects.get()
    assert (packet.email, packet.access) == (sent.invitation.email, sent.invitation.access)
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    (mail,) = smtp.mails
    assert "You have 2 documents to complete. It takes about 8 minutes in all." in mail.text()
    assert "Consent" not in mail.text() + mail.text("html")


def test_the_mail_is_in_the_clients_language(practice: Practice) -> None:
    luz = cast.client(practice, "Luz", address="luz@mail.example", language="es")
    sent = send(luz, shared_documents.consent(practice))
    assert "Tiene 1 documento por completar." in " ".join(filter(None, sent.invitation.email.content["blocks"]))


def test_the_same_form_twice_shares_once(ana: Client) -> None:
    versions = packet_of(ana.practice)
    first, second = send(ana, *versions), send(ana, *versions)
    assert (second.invitation, second.is_new) == (first.invitation, False)
    with pytest.raises(FormSentBefore):
        send(ana, versions[0])
    assert DocumentRequest.objects.count() == 2


def test_resending_shares_nothing_twice_and_counts_what_is_left(ana: Client) -> None:
    consent, form = packet_of(ana.practice)
    send(ana, consent)
    again = send(ana, consent, form, form_key="b").invitation
    assert DocumentRequest.objects.count() == 2
    assert "You have 2 documents to complete." in " ".join(filter(None, again.email.content["blocks"]))
    third = send(ana, form_key="c").invitation
    assert "You have 2 documents to complete." in " ".join(filter(None, third.email.content["blocks"]))
    assert Packet.objects.count() == 2


def test_a_refused_invitation_shares_nothing_and_saves_the_access(ana: Client) -> None:
    ana.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    with pytest.raises(CannotSendInvitation):
        send(ana, *packet_of(ana.practice))
    assert PortalAccess.objects.get().is_on
    assert AuditEntry.objects.filter(action="invitation.refused").exists()
    assert not Packet.objects.exists()


def test_a_document_that_cannot_be_shared_keeps_the_invitation_back(ana: Client) -> None:
    version = shared_documents.consent(ana.practice, archived_at=clock.now())
    with pytest.raises(NotShareable):
        send(ana, version)
    assert not Invitation.objects.exists()
    assert not OutgoingEmail.objects.exists()


def run_invites(client: Client) -> Packet | None:
    run = cast.invitation_run(client, cast.fay(client.practice))
    assert invitation_run_worker.settle_next(run, invitations.write)
    assert run.items.get().state == ItemState.INVITED
    return Packet.objects.filter(email=Invitation.objects.latest("id").email).first()


def test_a_run_shares_the_welcome_packet(ana: Client) -> None:
    versions = packet_of(ana.practice)
    titled(ana.practice, "Telehealth", 2, in_welcome_packet=False)
    packet = run_invites(ana)
    assert packet is not None
    assert [each.version for each in packet.requests.order_by("position")] == versions
    assert "You have 2 documents to complete." in " ".join(filter(None, packet.email.content["blocks"]))  # type: ignore[union-attr]  # Asserted above.


def test_a_run_leaves_out_what_was_shared_before(ana: Client) -> None:
    consent, form = packet_of(ana.practice)
    shared_documents.shared(cast.with_access(ana), consent)
    packet = run_invites(ana)
    assert packet is not None
    assert [each.version for each in packet.requests.all()] == [form]


def test_a_run_invites_those_who_may_not_sign_without_documents(ana: Client) -> None:
    packet_of(ana.practice)
    cast.with_access(ana)
    entry = replace(cast.entry_for(ana), signs_documents=False)
    access_grants.save_access(ana, entry, version=None, by=DESK)
    assert run_invites(ana) is None


def test_the_list_says_what_is_open_or_completed(client: Browser, ana: Client) -> None:
    practice = ana.practice
    cast.in_the_portal(client, ana)
    access = PortalAccess.objects.get(own_client=ana)
    first, second, third, fourth = (
        titled(practice, title, place) for place, title in enumerate(("Opened", "Signed", "Withdrawn", "New"))
    )
    _open, signed, withdrawn = shared_documents.shared(access, first, second, third)
    shared_documents.signed(signed, access)
    request_states.withdraw(withdrawn, by=DESK)
    listed = shareable.list_for(practice, access)
    assert [(each.title, each.is_open, each.completed_at is not None, each.is_proposed) for each in listed] == [
        ("Opened", True, False, False),
        ("Signed", False, True, False),
        ("Withdrawn", False, False, True),
        ("New", False, False, True),
    ]
    assert shareable.welcome_packet_of(access) == [third, fourth]


def test_another_practices_documents_are_not_found(practice: Practice) -> None:
    shared_documents.consent(cast.birch())
    ref = DocumentTemplate.objects.get().ref
    assert shareable.versions_of(practice, [ref]) == []
    assert shareable.list_for(practice, None) == []


def test_an_invitation_announces_no_documents_that_its_reader_may_not_see(ana: Client) -> None:
    shared_documents.shared(cast.with_access(ana), shared_documents.consent(ana.practice))
    without = replace(cast.entry_for(ana), signs_documents=False)
    # Turned off together with the invitation, and again when it was off before.
    for form_key in ("a", "b"):
        sent = invitations.send(ana, without, TEXT, [], form_key=form_key, version=None, by=DESK)
        assert "to complete" not in str(sent.invitation.email.content)
    sent = send(ana, form_key="c")
    assert "You have 1 document to complete" in str(sent.invitation.email.content)
