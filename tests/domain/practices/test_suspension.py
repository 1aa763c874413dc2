"""Suspension of a practice: its mails wait until it is resumed; other practices are not affected."""

from datetime import timedelta

import pytest
import time_machine

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import suspension
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery, outbox
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState, MailQueue
from tests import cast
from tests.support.servers.smtp import SmtpServer


def states() -> list[str]:
    return list(OutgoingEmail.objects.order_by("id").values_list("state", flat=True))


@pytest.mark.django_db(transaction=True)
def test_mails_of_a_suspended_practice_wait(smtp: SmtpServer) -> None:
    practice, birch = cast.alder(), cast.birch()
    suspension.suspend(practice, by=cast.DESK)
    cast.invited(cast.ana(practice))
    cast.invited(cast.dora(birch))
    transport = SmtpTransport(parse(smtp.url))
    assert delivery.deliver_next(MailQueue.REST, transport)
    assert not delivery.deliver_next(MailQueue.REST, transport)
    assert states() == [EmailState.QUEUED, EmailState.HANDED_OVER]
    suspension.resume(practice, by=cast.DESK)
    assert delivery.deliver_next(MailQueue.REST, transport)
    assert states() == [EmailState.HANDED_OVER, EmailState.HANDED_OVER]


def test_suspended_mails_do_not_count_as_lag(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    cast.invited(cast.ana(practice))
    stopped_clock.shift(timedelta(hours=1))
    assert outbox.lag() == timedelta(hours=1)
    suspension.suspend(practice, by=cast.DESK)
    assert outbox.lag() == timedelta()


def test_suspending_and_resuming_are_idempotent(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    first = suspension.suspend(practice, by=cast.DESK).suspended_at
    stopped_clock.shift(timedelta(minutes=5))
    assert suspension.suspend(practice, by=cast.DESK).suspended_at == first
    assert clock.now() != first
    suspension.resume(practice, by=cast.DESK)
    assert not suspension.resume(practice, by=cast.DESK).is_suspended
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [AuditAction.PRACTICE_SUSPENDED, AuditAction.PRACTICE_RESUMED]
