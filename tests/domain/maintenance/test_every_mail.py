"""Mails of every kind: invitations to reply or call only where possible, and names of any length."""

import re
from datetime import timedelta
from html import unescape
from itertools import product

import pytest
from django.test import Client as PortalBrowser

from portico.domain.access.address_change import change_requests
from portico.domain.access.help_requests import staff_notices
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.access.notices import notices
from portico.domain.access.sign_in import link_redemption, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing import bill_mails
from portico.domain.billing.card_payments import mismatch_mail
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.payments import refunds
from portico.domain.clients.models import Client
from portico.domain.documents.completion import completion_notices
from portico.domain.documents.models import DocumentRequest, Packet
from portico.domain.documents.sharing import document_mails, document_reminders, packet_sharing
from portico.domain.maintenance.sender_check import check_mail
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import own_account, set_up_links
from portico.plumbing import clock, tokens
from portico.plumbing.mail import mime_messages, outbox
from portico.plumbing.mail.outbox import ComposedMail
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents
from tests.domain.access.test_times_in_mails import KINDS
from tests.support.strict_mail import Header, Read

pytestmark = pytest.mark.django_db

FIRST_NAME, LAST_NAME = "x" * 77, "y" * 78
STAFF_NAME = 'Dr. Naomi "Nao" Elm-Oakley, Ph.D., Licensed Clinical Psychologist (she/her), @Alder <Portland>'
SENDER = "Alder Street Counseling, Therapy and Family Services, P.C., of Portland, Oregon"
VISITOR = Browser("Safari on iPhone", "a browser")
REPLY = {"en": "Reply to this email", "es": "Responda a este correo"}
STAFF_KINDS = {
    "staff_invite",
    "password_reset",
    "second_factor_changed",
    "payment_mismatch",
    "help_request",
    "documents_completed",
    "test_email",
}


def to_the_client(person: Client) -> None:
    """Returns one mail of each kind that clients get."""
    access = cast.with_access(person)
    account, address = access.account, access.address
    assert account is not None
    assert address is not None
    token = cast.token_of(cast.invited(person))
    cast.asked(person.practice, address.address)
    assert request_worker.process_next()
    notices.notify_pin_used(
        sign_in_pins.generate(person, form_key=tokens.new_token(), by=cast.DESK), access, browser=VISITOR.browser
    )
    session = PortalSession.objects.create(practice=person.practice, account=account, key_hash="k", epoch=1)
    change_requests.request(session, access, "ana@new.example", form_key="", by=cast.DESK)
    notices.notify_new_browser(session, account)
    link_redemption.redeem(person.practice, token, visitor=VISITOR)
    OutgoingEmail.objects.update(state="handed_over", settled_at=clock.now())
    notices.notify_address_removed(access, address, account)


def about_money(person: Client, owner: StaffMember) -> None:
    """Returns one mail of each kind about an invoice or a payment."""
    invoice = cast.bill(person)
    late = cast.bill(person, due_on=clock.today(person.practice.time_zone) - timedelta(days=20))
    invoice_sharing.send_again(late, form_key=tokens.new_token(), shown=None, by=cast.DESK)
    mismatch_mail.notify_owners(person.practice, cast.attempt(invoice), by=cast.DESK)
    payment = cast.cash(person, 5_000)
    bill_mails.send_receipt(payment, by=cast.DESK)
    refund = refunds.record_manual_refund(payment, amount_minor=1_000, reason="Paid twice", shown=None, by=owner.actor)
    bill_mails.send_refund(refund, by=owner.actor)


def about_documents(person: Client) -> None:
    """Returns one mail of each kind about documents."""
    cast.in_the_portal(PortalBrowser(), person)
    access = PortalAccess.objects.get(own_client=person)
    text = document_mails.default_text(person.language)
    packet_sharing.share(access, [shared_documents.consent(person.practice)], text=text, form_key="a", by=cast.DESK)
    Packet.objects.update(shared_at=clock.now() - timedelta(days=2))
    assert document_reminders.queue_due() == 1
    shared_documents.signed(DocumentRequest.objects.get(), access)
    DocumentRequest.objects.update(completed_at=clock.now() - completion_notices.SETTLING)
    assert completion_notices.announce() == 1


def every_mail(practice: Practice, language: str) -> list[OutgoingEmail]:
    owner = cast.elm(practice)
    owner.name = STAFF_NAME
    owner.save()
    set_up_links.mail_set_up_link(owner, by=cast.DESK)
    set_up_links.mail_reset_link(owner)
    own_account.change_password(owner, "another long walk by the river", session=None, by=owner.actor)
    person = cast.client(practice, FIRST_NAME, LAST_NAME, address="ana@mail.example", language=language)
    to_the_client(person)
    about_money(person, owner)
    about_documents(person)
    check_mail.send(practice, owner.email, form_key=tokens.new_token(), by=owner.actor)
    cast.asked_for_help(practice, "ana@mail.example")
    assert staff_notices.announce() == 1
    mails = list(OutgoingEmail.objects.select_related("practice"))
    assert {mail.kind for mail in mails} >= set(outbox._composers) - {"note"}
    return mails


def composed(mail: OutgoingEmail) -> ComposedMail:
    composer = outbox.composer_of(mail.kind)
    return composer.compose(mail, composer.link(mail))


@pytest.mark.parametrize("language", ["en", "es"])
def test_mails_invite_only_possible_replies_and_calls(practice: Practice, language: str) -> None:
    for mail in every_mail(practice, language):
        read = "en" if mail.kind in STAFF_KINDS else language
        for reply_to, phone in product(("", "desk@alder.example"), ("", "+12125550177")):
            mail.practice.reply_to, mail.practice.phone = reply_to, phone
            letter = composed(mail)
            assert letter.reply_to == reply_to
            for body in (letter.text, letter.html):
                assert (REPLY[read] in body) is bool(reply_to), (mail.kind, reply_to, phone)
                assert ("(212)" in body) is bool(phone), (mail.kind, reply_to, phone)
                assert ("Questions?" in body or "¿Preguntas?" in body) is bool(reply_to or phone)


def test_an_invalid_reply_address_is_not_used(practice: Practice) -> None:
    (mail,) = [mail for mail in every_mail(practice, "en") if mail.kind == "receipt"]
    for reply_to in ("josé@alder.example", "desk@alder", "desk@alder.example, eve@evil.example"):
        mail.practice.reply_to = reply_to
        assert composed(mail).reply_to == ""
        assert "Reply to this email" not in composed(mail).text


def test_mails_have_one_sender_and_one_recipient(practice: Practice) -> None:
    practice.sender_name = SENDER
    practice.save()
    for mail in every_mail(practice, "en"):
        raw = mime_messages.build_message(mail, composed(mail), recipient=mail.to_address, at=clock.now())
        header = Header(raw)
        assert header.mailbox("From") == Read(SENDER, "portal@portico.example")
        assert header.mailbox("Reply-To") == Read(SENDER, "desk@alder.example")
        assert header.mailbox("To") == Read(mail.to_name, mail.to_address)
        assert mail.to_name in {"", STAFF_NAME, f"{FIRST_NAME} {LAST_NAME}"}
        assert header.text("Subject") == mail.subject


def secrets_in(addresses: list[str]) -> set[str]:
    """Returns what only a token is as long as."""
    return {secret for address in addresses for secret in re.findall(r"[\w-]{40,}", address)}


def test_text_and_html_have_one_secret_and_the_stored_copy_none(practice: Practice) -> None:
    with_link = set()
    for mail in every_mail(practice, "en"):
        composer, letter = outbox.composer_of(mail.kind), composed(mail)
        link = composer.link(mail)
        sent = [re.findall(r"https?://\S+", letter.text), re.findall(r'href="([^"]+)"', letter.html)]
        expected = secrets_in([link]) if link else set()
        assert [secrets_in(addresses) for addresses in sent] == [expected, expected], mail.kind
        stored = [mime_messages.mask_secrets(body, link, composer.secrets(mail)) for body in (letter.text, letter.html)]
        assert not any(secret in body for secret in expected for body in stored), mail.kind
        with_link |= {mail.kind} if link else set()
    assert {"invitation", "sign_in", "address_change", "invoice_shared", "reminder", "documents_shared"} < with_link


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_time_names_its_zone(practice: Practice, language: str) -> None:
    with_time = set()
    for mail in every_mail(practice, language):
        for body in (composed(mail).text, unescape(composed(mail).html)):
            times = re.findall(r"(?<![\d:])\d{1,2}:\d\d(?![\d:]).{0,12}", body)
            assert [time for time in times if " EST" not in time] == [], mail.kind
            with_time |= {mail.kind} if times else set()
    # These are tested in other time zones.
    assert with_time == set(KINDS)


def test_only_mails_to_staff_are_sent_to_a_stopped_mailbox() -> None:
    assert {kind for kind, composer in outbox._composers.items() if composer.is_to_staff} == STAFF_KINDS
