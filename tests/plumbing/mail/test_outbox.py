"""The outbox: mails are queued once, in the transaction of their cause, and retried only if that makes sense."""

from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django import Settings
from time_machine import Traveller

from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.models import AuditEntry, EmailEvent, OutgoingEmail
from tests.plumbing.mail_messages import Note, an_email, happened
from tests.plumbing.sample_rows import a_practice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note")]


def test_the_same_key_queues_one_mail() -> None:
    practice = a_practice()
    first = an_email("note:7", practice=practice)
    again = an_email("note:7", practice=practice, subject="Another")
    assert again == first
    assert OutgoingEmail.objects.get().subject == "Hello"
    assert happened(first) == ["written"]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_queues_nothing() -> None:
    with transaction.atomic():
        an_email()
        transaction.set_rollback(True)
    assert not OutgoingEmail.objects.exists()
    assert not EmailEvent.objects.exists()


def test_an_unregistered_kind_is_refused_when_queued() -> None:
    with pytest.raises(KeyError):
        outbox.queue(
            practice=a_practice(), kind="unknown", key="k", to_address="a@example.org", to_name="", subject="S",
            content={}, by=Actor.system(),
        )  # fmt: skip


def test_subjects_and_names_are_cleaned_and_truncated() -> None:
    email = an_email(subject="Hi\r\nBcc: eve@example.org\u2028\u202e" + "x" * 200, to_name="Ana\r\nTo: eve")
    assert email.subject.startswith("Hi Bcc: eve@example.org x")
    assert len(email.subject) == 150
    assert email.to_name == "Ana To: eve"


def test_each_mail_has_its_own_message_id() -> None:
    first, second = an_email("note:1"), an_email("note:2")
    assert first.message_id != second.message_id
    assert first.message_id.endswith("@portico.example>")


def a_failed_email() -> OutgoingEmail:
    email = an_email()
    now = clock.now()
    OutgoingEmail.objects.update(state="failed", settled_at=now, parked_at=now, errors=5, reason="No", detail="No")
    return email


def test_staff_retry_a_parked_mail(note: Note) -> None:
    email = outbox.retry(a_failed_email(), by=Actor.system("Fay"))
    assert (email.state, email.errors, email.parked_at, email.reason) == ("queued", 0, None, "")
    assert happened(email) == ["written", "restarted"]
    assert AuditEntry.objects.get().about == email.ref
    assert note.told == ["queued"]


def test_retrying_is_idempotent() -> None:
    email = a_failed_email()
    outbox.retry(email, by=Actor.system("Fay"))
    outbox.retry(email, by=Actor.system("Fay"))
    assert happened(email) == ["written", "restarted"]


@pytest.mark.parametrize("state", ["handed_over", "dropped", "bounced"])
def test_only_failed_mails_can_be_retried(state: str) -> None:
    email = an_email()
    OutgoingEmail.objects.update(state=state, settled_at=clock.now())
    with pytest.raises(outbox.NotRetryable):
        outbox.retry(email, by=Actor.system("Fay"))


def test_an_outage_of_our_server_has_a_start(stopped_clock: Traveller) -> None:
    practice, other = a_practice(), a_practice()
    assert outbox.current_outage(practice) is None
    began_at = clock.now()
    for number in range(2):
        email = an_email(f"note:{number}", practice=practice)
        OutgoingEmail.objects.filter(pk=email.pk).update(
            state="delayed", delayed_by="ours", delayed_at=clock.now(), reason="It is away.", detail="refused"
        )
        stopped_clock.shift(timedelta(minutes=1))
    assert outbox.current_outage(practice) == outbox.MailOutage(began_at, "It is away.", "refused", 2)
    assert outbox.current_outage(other) is None


def test_a_deferring_recipient_is_no_outage() -> None:
    practice = a_practice()
    an_email(practice=practice)
    OutgoingEmail.objects.update(state="delayed", delayed_by="recipient", delayed_at=clock.now())
    assert outbox.current_outage(practice) is None


def test_each_kind_has_a_label() -> None:
    assert outbox.kind_label("note") == "Note"
    assert outbox.kind_label("no_longer_known") == "No longer known"


def test_the_body_of_an_old_mail_is_deleted(stopped_clock: Traveller, settings: Settings) -> None:
    settings.EMAIL_BODY_TTL = 86_400
    sent, failed, waiting = (an_email(f"note:{number}") for number in range(3))
    settled = {"body_text": "Hello.", "body_html": "<p>Hello.</p>", "settled_at": clock.now()}
    OutgoingEmail.objects.filter(pk=sent.pk).update(state="handed_over", **settled)
    OutgoingEmail.objects.filter(pk=failed.pk).update(state="failed", **settled)
    stopped_clock.shift(timedelta(hours=23))
    assert outbox.delete_old_bodies() == 0
    stopped_clock.shift(timedelta(hours=2))
    assert (outbox.delete_old_bodies(), outbox.delete_old_bodies()) == (2, 0)
    sent.refresh_from_db()
    assert (sent.body_text, sent.body_html, sent.subject, sent.state) == ("", "", "Hello", "handed_over")
    waiting.refresh_from_db()
    assert waiting.body_deleted_at is None
    assert outbox.retry(failed, by=Actor.system("Fay")).body_deleted_at is None
