"""Mails to many recipients leave at the set rate, in every second, and wait while the mail server is away."""

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import bulk_rate
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SECOND = timedelta(seconds=1)


def times_taken(stopped_clock: Traveller, *, seconds: int, step: timedelta) -> list[datetime]:
    """Returns the time of each mail, if two workers ask at every step."""
    end, times = clock.now() + timedelta(seconds=seconds), list[datetime]()
    while clock.now() < end:
        times += [clock.now()] * (bulk_rate.take() + bulk_rate.take())
        stopped_clock.shift(step)
    return times


@pytest.mark.parametrize("per_second", [1, 3, 10, 100])
def test_no_second_has_more_mails_than_the_rate(stopped_clock: Traveller, settings: Settings, per_second: int) -> None:
    settings.EMAIL_PER_SECOND = per_second
    step = timedelta(seconds=1) / (43 * min(per_second, 10))
    times = times_taken(stopped_clock, seconds=2, step=step)
    for begins in times:
        assert sum(begins <= at < begins + SECOND for at in times) <= per_second
    assert len(times) >= 0.9 * 2 * per_second


def test_the_wait_ends_when_the_next_batch_is_due(
    stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.EMAIL_PER_SECOND = 4
    slept = list[float]()
    monkeypatch.setattr("time.sleep", slept.append)
    assert bulk_rate.take() == 1
    stopped_clock.shift(timedelta(milliseconds=50))
    bulk_rate.wait()
    assert slept == [0.2]
    stopped_clock.shift(timedelta(seconds=slept[0]))
    assert bulk_rate.take() == 1


def test_a_clock_that_is_ahead_makes_no_one_wait_longer_than_a_second(
    stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.EMAIL_PER_SECOND = 4
    slept = list[float]()
    monkeypatch.setattr("time.sleep", slept.append)
    stopped_clock.shift(timedelta(seconds=40))
    assert bulk_rate.take() == 1
    stopped_clock.shift(timedelta(seconds=-40))
    bulk_rate.wait()
    assert slept == [1.0]


def test_mails_are_held_back_while_many_wait_for_our_server(practice: Practice, settings: Settings) -> None:
    settings.EMAIL_PER_SECOND = 1
    for name in ("Nia", "Olu", "Pia", "Quin"):
        cast.invited(cast.client(practice, name, address=f"{name}@mail.example"))
    assert not bulk_rate.is_held_back("invitation")
    cast.invited(cast.ana(practice))
    assert bulk_rate.is_held_back("invitation")
    delayed = OutgoingEmail.objects.filter(to_address="ana@mail.example")
    delayed.update(state=EmailState.DELAYED, delayed_at=clock.now(), delayed_by=DelayCause.OURS)
    assert bulk_rate.is_held_back("invitation")
    # A recipient's server that asks us to come back later does not hold back the others.
    delayed.update(delayed_by=DelayCause.RECIPIENT)
    assert not bulk_rate.is_held_back("invitation")
