"""The mail about shared documents names counts and minutes only, and is sent only while it is allowed and needed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import PortalAccess, SignInLink
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, Packet
from portico.domain.documents.sharing import document_mails, packet_sharing
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.servers.smtp import SmtpServer

TEXT = document_mails.default_text("en")


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    return cast.with_access(cast.ana(practice))


def share(access: PortalAccess, text: MailText = TEXT, *, form_key: str = "a") -> Packet:
    versions = [shared_documents.consent(access.client.practice), shared_documents.form(access.client.practice)]
    return packet_sharing.share(access, versions, text=text, form_key=form_key, by=DESK)


def deliver(smtp: SmtpServer) -> OutgoingEmail:
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    return OutgoingEmail.objects.get(kind=document_mails.KIND)


def test_it_names_counts_and_minutes_and_no_title(access: PortalAccess, smtp: SmtpServer) -> None:
    packet = share(access)
    email = deliver(smtp)
    (mail,) = smtp.mails
    assert packet.email == email
    assert mail.message["Subject"] == f"Documents from {access.practice.name}"
    assert "has shared 2 documents with you. Completing everything takes about 8 minutes." in mail.text()
    for request in packet.requests.select_related("version"):
        assert request.version.content["en"]["title"] not in mail.text() + mail.text("html")


def test_its_link_leads_to_the_documents(access: PortalAccess, smtp: SmtpServer) -> None:
    email = share(access).email
    assert email is not None
    deliver(smtp)
    link = SignInLink.objects.get(email=email)
    assert not link.is_invitation
    assert f"/portal/{access.practice.slug}/link/" in smtp.mails[0].text()
    assert email.content["goes_to"] == f"{access.practice.portal_path}documents/"


def test_the_same_form_twice_queues_one_mail_with_one_link(access: PortalAccess) -> None:
    versions = [shared_documents.consent(access.practice)]
    for _ in range(2):
        packet_sharing.share(access, versions, text=TEXT, form_key="a", by=DESK)
    assert OutgoingEmail.objects.count() == SignInLink.objects.count() == 1


def test_a_mail_in_spanish_to_a_client_who_reads_spanish(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    ana.language = "es"
    ana.save(update_fields=["language"])
    access = cast.with_access(ana)
    share(access, document_mails.default_text("es"))
    deliver(smtp)
    assert "2 documentos" in smtp.mails[0].text()
    assert "8 minutos" in smtp.mails[0].text()


def withdraw_all(access: PortalAccess) -> None:
    for request in DocumentRequest.objects.filter(access=access):
        request_states.withdraw(request, by=DESK)


def turn_signing_off(access: PortalAccess) -> None:
    entry = replace(cast.entry_for(access.client), signs_documents=False)
    access_grants.save_access(access.client, entry, version=None, by=DESK)


def archive(access: PortalAccess) -> None:
    client_changes.archive(access.client, by=DESK)


def stop_mail(access: PortalAccess) -> None:
    PortalAccess.objects.filter(pk=access.pk).update(mail_stopped_at=clock.now())


@pytest.mark.parametrize("change", [withdraw_all, turn_signing_off, archive, stop_mail])
def test_it_is_dropped_if_it_may_not_be_sent_any_more(
    access: PortalAccess, smtp: SmtpServer, change: Callable[[PortalAccess], None]
) -> None:
    share(access)
    change(access)
    assert deliver(smtp).state == EmailState.DROPPED
    assert smtp.mails == []


def test_documents_of_a_client_without_email_ok_are_shared_without_a_mail(practice: Practice) -> None:
    access = cast.with_access(cast.ana(practice))
    access.client.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    assert share(PortalAccess.objects.get(pk=access.pk)).email is None
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.parametrize(("born", "greeting"), [(None, "Hello,\n"), (date(1990, 5, 1), "Hello Ana,\n")])
def test_only_a_client_known_to_be_an_adult_is_greeted_by_name(
    access: PortalAccess, born: date | None, greeting: str
) -> None:
    Client.objects.filter(pk=access.client_id).update(date_of_birth=born)
    access = PortalAccess.objects.get(pk=access.pk)
    texts = document_mails.texts_of(access.practice)
    email = share(access, document_mails.text_for(access, texts)).email
    assert email is not None
    assert email.content["message"].startswith(greeting)
    # A text of the practice's own is sent as it is.
    own = {"en": MailText("Subject", "Hello [first name]")}
    assert document_mails.text_for(access, own) == own["en"]


def test_documents_wait_for_a_client_whose_access_was_never_saved(practice: Practice) -> None:
    ana = cast.ana(practice)
    packet = share(PortalAccess.of(ana))
    assert packet.email is None
    assert packet.access == PortalAccess.objects.get(own_client=ana)
