"""Reminders of documents that staff send: one a day for each mailbox, with the text that staff typed."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from time_machine import Traveller

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest
from portico.domain.documents.practice_documents import Filter
from portico.domain.documents.refusals import NoRecipientEligible
from portico.domain.documents.sharing import document_reminders, reminder_mail, reminders_by_hand
from portico.domain.documents.sharing.reminders_by_hand import ChosenDocuments
from portico.domain.practices.mail_texts import MailText
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import AuditEntry, MailQueue, OutgoingEmail
from tests import cast, shared_documents
from tests.support.at_once import errors, second_waits
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
ALL = ChosenDocuments(show=Filter.WAITING)
TEXTS = {code: MailText("From [practice name]", "Please: [number of documents], [minutes].") for code in ("en", "es")}


def shared(person: Client) -> DocumentRequest:
    return shared_documents.shared(cast.with_access(person), shared_documents.consent(person.practice))[0]


def send(practice: Practice, chosen: ChosenDocuments = ALL) -> list[OutgoingEmail]:
    shown = reminders_by_hand.digest_of(reminders_by_hand.recipients_of(practice, chosen))
    return reminders_by_hand.send(practice, chosen, texts=TEXTS, shown=shown, by=cast.DESK)


def test_it_is_sent_as_typed_with_what_is_left(practice: Practice, smtp: SmtpServer) -> None:
    request = shared(cast.ana(practice))
    (email,) = send(practice, ChosenDocuments(refs=(request.ref,)))
    assert (email.subject, email.queue) == ("From Alder Street Therapy", MailQueue.REST)
    assert email.written_by == cast.DESK.name
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    assert "Please: 1 document, 4 minutes." in smtp.mails[0].text()
    (entry,) = AuditEntry.objects.filter(action=AuditAction.DOCUMENTS_REMINDED)
    assert (entry.client_id, entry.details) == (request.client_id, {"number": 1})


def test_a_mailbox_gets_one_a_day_whatever_is_clicked(practice: Practice, stopped_clock: Traveller) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        shared(person)
    (email,) = send(practice)
    assert email.content["goes_to"].startswith(f"{practice.portal_path}who/")
    with pytest.raises(NoRecipientEligible):
        send(practice)
    stopped_clock.shift(timedelta(days=1))
    assert len(send(practice)) == 1


def test_automatic_and_typed_reminders_are_counted_together(practice: Practice, stopped_clock: Traveller) -> None:
    shared(cast.ana(practice))
    stopped_clock.shift(timedelta(days=2))
    assert document_reminders.queue_due() == 1
    assert [each.reason for each in reminders_by_hand.recipients_of(practice, ALL)] == ["Already reminded today"]
    stopped_clock.shift(timedelta(days=3))
    send(practice)
    assert document_reminders.queue_due() == 0


def test_who_may_not_be_mailed_is_left_out_with_the_reason(practice: Practice) -> None:
    off, without_ok, able = cast.ana(practice), cast.bruno(practice), cast.carol(practice)
    for person in (off, without_ok, able):
        shared(person)
    PortalAccess.objects.filter(own_client=off).update(enabled_at=None)
    without_ok.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    found = reminders_by_hand.recipients_of(practice, ALL)
    reasons = {each.access.client.first_name: each.reason for each in found}
    assert reasons == {"Ana": "Client Portal Access is off", "Bruno": "No Email ok", "Carol": ""}
    assert [email.client for email in send(practice)] == [able]


def test_the_filter_and_the_practice_limit_who_is_reminded(practice: Practice) -> None:
    old, new = shared(cast.ana(practice)), shared(cast.bruno(practice))
    DocumentRequest.objects.filter(pk=old.pk).update(sent_at=clock.now() - timedelta(days=6))
    elsewhere = shared(cast.dora(cast.birch()))
    stuck = reminders_by_hand.recipients_of(practice, ChosenDocuments(show=Filter.STUCK))
    assert [each.access.client for each in stuck] == [old.client]
    assert reminders_by_hand.recipients_of(practice, ChosenDocuments(refs=(elsewhere.ref,))) == []
    both = reminders_by_hand.recipients_of(practice, ChosenDocuments(refs=(old.ref, new.ref)))
    assert {each.access.client for each in both} == {old.client, new.client}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_colleagues_at_once_remind_each_mailbox_once(transactional_db: None) -> None:
    practice = cast.alder()
    for person in (cast.ana(practice), cast.bruno(practice), cast.bea(practice)):
        shared(person)
    results = second_waits(partial(send, practice), partial(send, practice))
    assert errors(results) == [NoRecipientEligible]
    assert OutgoingEmail.objects.filter(kind=reminder_mail.KIND).count() == 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_mailbox_would_be_reminded_twice(transactional_db: None) -> None:
    """Shows that without the lock of the account a colleague’s reminder is not seen; the database then refuses it."""
    practice = cast.alder()
    shared(cast.ana(practice))

    def send_without_the_lock() -> list[OutgoingEmail]:
        with transaction.atomic():
            able = [each.access for each in reminders_by_hand.recipients_of(practice, ALL) if not each.reason]
            return reminder_mail.queue(able, by=cast.DESK, texts=TEXTS)

    assert errors(second_waits(partial(send, practice), send_without_the_lock)) == [IntegrityError]


def test_default_texts_name_no_one() -> None:
    """A mailbox may have documents of several clients."""
    for language in ("en", "es"):
        text = reminder_mail.default_text(language)
        assert "[first name]" not in text.subject + text.message
