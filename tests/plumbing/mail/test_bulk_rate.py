"""Mails to many recipients leave at the set rate, in every second, and wait while the mail server is away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import bulk_rate, delivery
from portico.plumbing.models import MailQueue, OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState
from tests import cast
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _sleep_moves_the_clock(stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: stopped_clock.shift(timedelta(seconds=seconds)))


def most_in_a_second(times: list[datetime]) -> int:
    return max(sum(begins <= at < begins + SECOND for at in times) for begins in times)


def turns(number: int) -> Iterator[datetime]:
    for _turn in range(number):
        assert bulk_rate.await_turn()
        yield clock.now()


@pytest.mark.parametrize("per_second", [1, 3, 10, 100])
def test_every_second_has_the_rate_within_five_percent(settings: Settings, per_second: int) -> None:
    settings.EMAIL_PER_SECOND = per_second
    times = list(turns(3 * per_second + 1))
    assert most_in_a_second(times) <= per_second
    assert times[-1] - times[0] <= 3 * SECOND * 1.05


@pytest.mark.parametrize("per_second", [3, 10])
def test_late_mails_keep_the_rate(stopped_clock: Traveller, settings: Settings, per_second: int) -> None:
    """Each mail leaves a different time after its turn began, as the workers' database answers."""
    settings.EMAIL_PER_SECOND = per_second
    times = []
    for number, _turn in enumerate(turns(3 * per_second)):
        stopped_clock.shift(timedelta(milliseconds=(number * 7) % 15))
        times.append(clock.now())
    assert most_in_a_second(times) <= per_second
    assert times[-1] - times[0] <= 3 * SECOND * 1.05


def test_a_worker_delayed_after_taking_its_turn_takes_another_one(stopped_clock: Traveller, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 10
    delays = iter([0.0, 0.0, 0.0, 0.95])

    def delay(execute: Any, sql: str, *rest: Any) -> Any:  # Any: Django's own.
        result = execute(sql, *rest)
        if sql.startswith("UPDATE") and "limits_spent" in sql:
            stopped_clock.shift(timedelta(seconds=next(delays, 0.0)))
        return result

    with connection.execute_wrapper(delay):
        times = list(turns(25))
    assert most_in_a_second(times) <= 10


def test_a_database_that_is_always_slow_stops_no_mail(stopped_clock: Traveller, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 10

    def delay(execute: Any, sql: str, *rest: Any) -> Any:  # Any: as above.
        result = execute(sql, *rest)
        stopped_clock.shift(timedelta(milliseconds=100))
        return result

    with connection.execute_wrapper(delay):
        assert len(list(turns(3))) == 3


def test_a_clock_that_is_ahead_makes_no_one_wait_longer_than_a_second_at_once(
    stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.EMAIL_PER_SECOND = 4
    slept = list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        stopped_clock.shift(timedelta(seconds=seconds))

    monkeypatch.setattr("time.sleep", sleep)
    stopped_clock.shift(timedelta(seconds=3))
    bulk_rate.await_turn()
    stopped_clock.shift(timedelta(seconds=-3))
    bulk_rate.await_turn()
    assert max(slept) == 1.0
    assert sum(slept) < 3.5


def test_a_mail_whose_turn_does_not_come_is_released(
    practice: Practice, stopped_clock: Traveller, settings: Settings, smtp: SmtpServer
) -> None:
    """Another worker's clock is nearly a minute ahead: waiting for it would outlast the lease on the mail."""
    settings.EMAIL_PER_SECOND = 1
    email = cast.invited(cast.ana(practice)).email
    OutgoingEmail.objects.update(queue=MailQueue.BULK)
    stopped_clock.shift(timedelta(seconds=50))
    assert bulk_rate.await_turn()
    stopped_clock.shift(timedelta(seconds=-50))
    transport = SmtpTransport(parse(smtp.url))
    assert delivery.deliver_next("bulk", transport, await_turn=bulk_rate.await_turn)
    email.refresh_from_db()
    assert (email.state, email.handing_over_at, email.lease_until, smtp.mails) == ("queued", None, None, [])
    stopped_clock.shift(timedelta(seconds=50))
    assert delivery.deliver_next("bulk", transport, await_turn=bulk_rate.await_turn)
    assert len(smtp.mails) == 1


def test_a_turn_from_the_future_is_ignored(stopped_clock: Traveller, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 1
    stopped_clock.shift(timedelta(days=700))
    bulk_rate.await_turn()
    stopped_clock.shift(timedelta(days=-700))
    began_at = clock.now()
    bulk_rate.await_turn()
    assert clock.now() == began_at


def test_no_turn_is_awaited_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        bulk_rate.await_turn()


def test_mails_are_held_back_while_many_wait_for_our_server(practice: Practice, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 1
    cast.invited(cast.client(practice, "Nia", address="nia@mail.example"))
    cast.invited(cast.client(practice, "Olu", address="olu@mail.example"))
    assert not bulk_rate.is_held_back()
    OutgoingEmail.objects.update(queue=MailQueue.BULK)
    assert bulk_rate.is_held_back()
    delayed = OutgoingEmail.objects.filter(to_address="nia@mail.example")
    delayed.update(state=EmailState.DELAYED, delayed_at=clock.now(), delayed_by=DelayCause.OURS)
    assert bulk_rate.is_held_back()
    # A recipient's server that asks us to come back later does not hold back the others.
    delayed.update(delayed_by=DelayCause.RECIPIENT)
    assert not bulk_rate.is_held_back()
