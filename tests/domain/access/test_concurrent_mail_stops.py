"""A stop, a lift and a sign-in mail at the same moment: the client is marked exactly while the mailbox is stopped."""

from itertools import count
from threading import Event

import pytest
from django.db import transaction

from portico.domain.access import mail_stops as stops_of_clients
from portico.domain.access import portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.notices import notices
from portico.domain.access.sign_in import sign_in_mail
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery, mail_stops
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.mail.reports.report_application import apply_next
from portico.plumbing.models import DeliveryReport, MailStop, OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.support.at_once import at_once, errors, wait_until_another_waits
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana() -> Client:
    """A client whose last mail was refused."""
    person = cast.ana(cast.alder())
    cast.with_access(person)
    PortalAccess.objects.update(mail_stopped_at=clock.now(), mail_stopped_reason="Refused.")
    portal_states.recompute(person)
    return person


def sign_in_email(person: Client) -> tuple[OutgoingEmail, PortalAccount]:
    link = cast.mailed(person.practice, "ana@mail.example")
    email = link.email
    email.state, email.settled_at, email.handed_over_at = EmailState.HANDED_OVER, clock.now(), clock.now()
    email.save()
    return email, PortalAccount.objects.get()


REPORTS = count()


def report(email: OutgoingEmail) -> None:
    """A stored report that the mailbox of the mail does not exist."""
    key = f"{email.ref} {next(REPORTS)}"
    new = NewReport(email.ref, DSN, key, ReportKind.FAILED, clock.now(), status_code="5.1.1", words="No such user")
    delivery_reports.store([new])


def is_marked() -> bool:
    return PortalAccess.objects.get().mail_stopped_at is not None


def race(ana: Client, *, is_checked_under_lock: bool) -> None:
    """A sign-in mail is taken by the server while a report about an earlier one stops the mailbox."""
    earlier, account = sign_in_email(ana)
    later, _account = sign_in_email(ana)
    is_stopped = Event()

    def apply_report() -> None:
        with transaction.atomic():
            assert apply_next()
            is_stopped.set()
            wait_until_another_waits()

    def deliver() -> None:
        assert is_stopped.wait(30)
        with transaction.atomic():
            if is_checked_under_lock:
                sign_in_mail.apply_outcome(later, account)
            elif mail_stops.live_stop(account.practice_id, account.mailbox_key) is None:
                client = Client.objects.locked().get(pk=ana.pk)
                PortalAccess.objects.filter(client=client).update(mail_stopped_at=None, mail_stopped_reason="")
                portal_states.recompute(client)

    report(earlier)
    assert errors(at_once(apply_report, deliver)) == []


def test_a_mail_sent_during_the_stop_leaves_the_mark(ana: Client) -> None:
    race(ana, is_checked_under_lock=True)
    assert MailStop.objects.live().exists()
    assert is_marked()


def test_without_the_check_under_the_lock_the_mark_is_lost(ana: Client) -> None:
    race(ana, is_checked_under_lock=False)
    assert MailStop.objects.live().exists()
    assert not is_marked()


def test_stops_lifts_and_mails_at_once_leave_mark_and_stop_alike(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_application, "BATCH_SIZE", 1)
    email, account = sign_in_email(ana)
    others = [sign_in_email(ana)[0] for _number in range(2)]

    def deliver() -> None:
        with transaction.atomic():
            sign_in_mail.apply_outcome(email, account)

    def lift() -> None:
        stops_of_clients.lift(ana, asked_to=False, by=cast.DESK)

    for _round in range(5):
        OutgoingEmail.objects.update(
            state=EmailState.HANDED_OVER, failure_cause="", failed_at=None, handed_over_at=clock.now()
        )
        for other in others:
            report(other)
        MailStop.objects.filter(lifted_at__isnull=False).delete()
        found = errors(at_once(apply_next, lift, deliver, apply_next, deliver, lift))
        assert found == []
        assert not DeliveryReport.objects.waiting().exists()
        assert MailStop.objects.live().exists() == is_marked()
        assert list(portal_states.mismatches()) == []


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "550 No"])
def test_refusals_at_hand_over_beside_reports_and_lifts_agree(
    ana: Client, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Several workers learn at once that the mailbox does not exist, while a report and the desk change its stop."""
    monkeypatch.setattr(delivery, "BATCH_SIZE", 1)
    report(sign_in_email(ana)[0])
    for _number in range(3):
        cast.asked(ana.practice, "ana@mail.example")
    assert request_worker.process_next()
    smtp.refuse("recipient", answer)

    def hand_over() -> None:
        delivery.deliver_next("entrance", SmtpTransport(parse(smtp.url)))

    def lift() -> None:
        stops_of_clients.lift(ana, asked_to=False, by=cast.DESK)

    assert errors(at_once(hand_over, hand_over, hand_over, apply_next, lift)) == []
    assert not OutgoingEmail.objects.filter(state=EmailState.QUEUED).exists()
    assert OutgoingEmail.objects.filter(state=EmailState.BOUNCED).exists()
    assert MailStop.objects.live().exists() == is_marked()
    assert list(portal_states.mismatches()) == []


def test_two_stops_of_a_mailbox_without_an_account_are_one(ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no row of the domain to lock, so that only the database keeps the second one out."""
    mails = [sign_in_email(ana)[0] for _number in range(2)]
    OutgoingEmail.objects.update(to_address="eve@mail.example", kind=notices.NEW_BROWSER)
    monkeypatch.setattr(report_application, "BATCH_SIZE", 1)
    for mail in mails:
        report(mail)
    is_stopped = Event()

    def first() -> None:
        with transaction.atomic():
            apply_next()
            is_stopped.set()
            wait_until_another_waits()

    def second() -> None:
        assert is_stopped.wait(30)
        apply_next()

    assert errors(at_once(first, second)) == []
    assert not DeliveryReport.objects.waiting().exists()
    assert MailStop.objects.get().email == mails[0]
