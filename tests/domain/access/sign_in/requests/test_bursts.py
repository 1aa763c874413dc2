"""Bursts are recorded while they last and end after a quiet hour."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from time_machine import Traveller

from portico.domain.access.models import Burst, BurstKind, SignInRequest
from portico.domain.access.sign_in.requests import bursts
from portico.domain.practices.models import Practice
from tests import cast

MINUTE = timedelta(minutes=1)


def asked(practice: Practice, times: int, *, network: str = "n1") -> None:
    SignInRequest.objects.bulk_create(
        SignInRequest(practice=practice, address="a@x.example", mailbox_key="a@x.example", network=network)
        for _ in range(times)
    )


def test_forty_requests_in_an_hour_are_a_burst(practice: Practice) -> None:
    asked(practice, 39)
    bursts.update()
    assert bursts.ongoing(practice) == []
    asked(practice, 1)
    bursts.update()
    (burst,) = bursts.ongoing(practice)
    assert (burst.kind, burst.number, burst.from_one_network) == (BurstKind.REQUESTS, 40, 40)


def test_a_burst_counts_requests_from_one_network(practice: Practice) -> None:
    for number in range(20):
        asked(practice, 1, network=f"other {number}")
    asked(practice, 25, network="one network")
    bursts.update()
    (burst,) = bursts.ongoing(practice)
    assert (burst.number, burst.from_one_network) == (45, 25)


def test_a_burst_is_counted_again_while_it_lasts(practice: Practice, stopped_clock: Traveller) -> None:
    asked(practice, 40)
    bursts.update()
    stopped_clock.shift(MINUTE)
    asked(practice, 20)
    bursts.update()
    (burst,) = bursts.ongoing(practice)
    assert burst.number == 60
    assert burst.counted_at - burst.began_at == MINUTE


def test_a_request_burst_ends_below_the_threshold(practice: Practice, stopped_clock: Traveller) -> None:
    asked(practice, 40)
    bursts.update()
    stopped_clock.shift(61 * MINUTE)
    bursts.update()
    assert bursts.ongoing(practice) == []
    assert Burst.objects.get().over_at is not None


def test_requests_at_another_practice_are_no_burst_here(practice: Practice) -> None:
    asked(cast.birch(), 40)
    bursts.update()
    assert bursts.ongoing(practice) == []


@pytest.mark.parametrize(
    ("note", "kind"), [(bursts.record_mail_cap, BurstKind.CAP), (bursts.record_wrong_pins, BurstKind.PINS)]
)
def test_a_limit_burst_ends_after_a_quiet_hour(
    practice: Practice, stopped_clock: Traveller, note: Callable[[Practice], None], kind: BurstKind
) -> None:
    note(practice)
    stopped_clock.shift(40 * MINUTE)
    note(practice)
    stopped_clock.shift(40 * MINUTE)
    bursts.update()
    (burst,) = bursts.ongoing(practice)
    assert (burst.kind, burst.number) == (kind, 2)
    stopped_clock.shift(20 * MINUTE)
    bursts.update()
    assert bursts.ongoing(practice) == []


def test_a_second_burst_is_a_new_row(practice: Practice, stopped_clock: Traveller) -> None:
    bursts.record_mail_cap(practice)
    stopped_clock.shift(61 * MINUTE)
    bursts.update()
    bursts.record_mail_cap(practice)
    assert Burst.objects.count() == 2
    assert len(bursts.ongoing(practice)) == 1


def test_updating_twice_changes_nothing(practice: Practice) -> None:
    asked(practice, 40)
    bursts.record_wrong_pins(practice)
    assert bursts.update() == bursts.update() == 2
    assert Burst.objects.count() == 2


def test_bursts_are_kept_for_a_month(practice: Practice, stopped_clock: Traveller) -> None:
    bursts.record_mail_cap(practice)
    stopped_clock.shift(61 * MINUTE)
    bursts.update()
    stopped_clock.shift(timedelta(days=29))
    assert bursts.delete_old() == 0
    stopped_clock.shift(timedelta(days=2))
    assert bursts.delete_old() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_simultaneous_updates_start_one_burst() -> None:
    practice = cast.alder()
    gate = Barrier(12)

    def one(_number: int) -> None:
        gate.wait(30)
        try:
            bursts.record_mail_cap(practice)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, range(12)))
    assert len(bursts.ongoing(practice)) == 1
