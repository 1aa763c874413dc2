"""Reminders of incomplete documents: on the practice's days, one per day for a mailbox, until all is completed."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from time_machine import Traveller

from portico.domain.access.models import PortalAccess
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentReminder, DocumentRequest, Packet
from portico.domain.documents.sharing import document_reminders, reminder_mail
from portico.domain.practices import practice_settings
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.models import OutgoingEmail, Restoration
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents
from tests.cast import DESK
from tests.support.at_once import errors, second_waits
from tests.support.servers.smtp import SmtpServer


@pytest.fixture
def access(practice: Practice) -> PortalAccess:
    access = cast.with_access(cast.ana(practice))
    shared_documents.shared(access, shared_documents.consent(practice), shared_documents.form(practice))
    return access


def after(stopped_clock: Traveller, days: int) -> int:
    stopped_clock.shift(timedelta(days=days))
    return document_reminders.queue_due()


def deliver(smtp: SmtpServer) -> OutgoingEmail:
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    return OutgoingEmail.objects.filter(kind=reminder_mail.KIND).latest("id")


def test_it_comes_on_the_second_and_fifth_day_and_once(access: PortalAccess, stopped_clock: Traveller) -> None:
    queued = [after(stopped_clock, 1) + document_reminders.queue_due() for _day in range(8)]
    assert queued == [0, 1, 0, 0, 1, 0, 0, 0]
    assert DocumentReminder.objects.count() == 2


def test_it_counts_what_is_left_and_names_no_title(
    access: PortalAccess, stopped_clock: Traveller, smtp: SmtpServer
) -> None:
    after(stopped_clock, 2)
    request_states.withdraw(DocumentRequest.objects.order_by("id")[0], by=DESK)
    assert deliver(smtp).state == EmailState.HANDED_OVER
    (mail,) = smtp.mails
    assert "you have 1 document to complete, which takes about 4 minutes." in mail.text()
    assert "Intake" not in mail.text() + mail.text("html")
    assert f"/portal/{access.practice.slug}/link/" in mail.text()


def test_it_ends_when_everything_is_completed(access: PortalAccess, stopped_clock: Traveller, smtp: SmtpServer) -> None:
    after(stopped_clock, 2)
    for each in DocumentRequest.objects.all():
        request_states.withdraw(each, by=DESK)
    assert deliver(smtp).state == EmailState.DROPPED
    assert after(stopped_clock, 3) == 0


def test_one_mail_for_all_clients_of_a_mailbox(practice: Practice, stopped_clock: Traveller) -> None:
    for person in (cast.bruno(practice), cast.bea(practice)):
        shared_documents.shared(cast.with_access(person), shared_documents.consent(practice))
    assert after(stopped_clock, 2) == 1
    assert DocumentReminder.objects.count() == 2
    assert OutgoingEmail.objects.get().content["goes_to"].startswith(f"{practice.portal_path}who/")


def test_without_email_ok_there_is_none(access: PortalAccess, stopped_clock: Traveller) -> None:
    access.client.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    assert after(stopped_clock, 2) == 0


def test_none_at_night(access: PortalAccess, stopped_clock: Traveller) -> None:
    stopped_clock.shift(timedelta(days=1, hours=14))
    assert document_reminders.queue_due() == 0


def test_none_for_two_days_after_a_restore(access: PortalAccess, stopped_clock: Traveller) -> None:
    """They may have been sent after the backup was made."""
    stopped_clock.shift(timedelta(days=1))
    Restoration.objects.create(practice=access.practice, backup_made_at=clock.now(), restored_at=clock.now())
    assert [after(stopped_clock, 1), after(stopped_clock, 1)] == [0, 1]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_waits_for_another_queues_nothing_twice(transactional_db: None, stopped_clock: Traveller) -> None:
    access = cast.with_access(cast.ana(cast.alder()))
    shared_documents.shared(access, shared_documents.consent(access.practice))
    stopped_clock.shift(timedelta(days=2))
    assert second_waits(document_reminders.queue_due, document_reminders.queue_due) == [1, 0]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_worker_would_remind_twice(transactional_db: None, stopped_clock: Traveller) -> None:
    """Shows that without the lock of the account the other worker's reminder is not seen; the database refuses it."""
    access = cast.with_access(cast.ana(cast.alder()))
    shared_documents.shared(access, shared_documents.consent(access.practice))
    stopped_clock.shift(timedelta(days=2))

    def queue_without_the_lock() -> int:
        with transaction.atomic():
            packet = Packet.objects.get(reminders=None)
            today = clock.today(packet.practice.time_zone)
            DocumentReminder.objects.create(practice_id=packet.practice_id, packet=packet, day=today)
        return 1

    assert errors(second_waits(document_reminders.queue_due, queue_without_the_lock)) == [IntegrityError]


def test_a_practice_without_days_sends_none(access: PortalAccess, stopped_clock: Traveller) -> None:
    practice_settings.save_document_reminder_days(access.practice, [], shown=None, by=DESK)
    assert after(stopped_clock, 2) == 0
