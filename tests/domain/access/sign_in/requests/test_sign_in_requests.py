"""Sign-in requests: one row for every address, and exact limits that do not affect other addresses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection

from portico.domain.access.models import RequestOutcome, SignInLink, SignInRequest
from portico.domain.access.sign_in.requests import request_worker, sign_in_requests
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.security.rate_limits import RateLimitExceeded
from tests import cast

pytestmark = pytest.mark.both_databases

AT_ONCE = 40


def beyond(practice: Practice) -> list[bool]:
    return list(
        SignInRequest.objects.filter(practice=practice).order_by("id").values_list("is_beyond_limit", flat=True)
    )


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["ana@mail.example", "unknown@mail.example", "ANA@Mail.Example"])
def test_every_address_creates_exactly_one_row(practice: Practice, address: str) -> None:
    cast.with_access(cast.ana(practice))
    ask = cast.asked(practice, address)
    assert (ask.address, ask.outcome, ask.is_typed) == (address, RequestOutcome.WAITING, True)
    assert (SignInRequest.objects.count(), OutgoingEmail.objects.count(), SignInLink.objects.count()) == (1, 0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "ana", "ana@", "@x.example", "a@x.example, b@x.example", "\u212a@x.example"])
def test_an_invalid_address_is_no_request(practice: Practice, address: str) -> None:
    with pytest.raises(ValueError):
        cast.asked(practice, address)
    assert SignInRequest.objects.count() == 0


def test_browser_and_network_are_stored_as_digests(practice: Practice) -> None:
    ask = cast.asked(practice, "ana@mail.example", browser="the key in the cookie", ip="203.0.113.7")
    assert "the key in the cookie" not in ask.browser_hash
    assert "203.0.113.7" not in ask.network
    assert ask.network == cast.asked(practice, "b@mail.example", ip="203.0.113.7").network


def test_an_address_has_five_requests_an_hour_and_ten_a_day(
    practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    for hour in range(3):
        for _ in range(6):
            cast.asked(practice, "ana@mail.example", ip=f"203.0.113.{hour}")
        stopped_clock.shift(timedelta(hours=1, seconds=1))
    assert beyond(practice) == [False] * 5 + [True] + [False] * 5 + [True] * 7


def test_spellings_of_one_mailbox_share_a_limit(practice: Practice) -> None:
    for address in (
        "ana@mail.example",
        "ANA@mail.example",
        " ana@MAIL.example",
        "Ana@Mail.example",
        "anA@mail.example",
    ):
        cast.asked(practice, address)
    assert cast.asked(practice, "aNa@mail.example").is_beyond_limit
    assert not cast.asked(practice, "ana+1@mail.example").is_beyond_limit
    assert not cast.asked(cast.birch(), "ana@mail.example").is_beyond_limit


@pytest.mark.parametrize(
    "places",
    [["203.0.113.7"], ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"], ["::ffff:203.0.113.7", "203.0.113.7"]],
)
def test_a_network_has_thirty_requests_in_ten_minutes(
    practice: Practice, places: list[str], stopped_clock: time_machine.Traveller
) -> None:
    for number in range(30):
        cast.asked(practice, f"n{number}@mail.example", ip=places[number % len(places)])
    with pytest.raises(RateLimitExceeded):
        cast.asked(practice, "ana@mail.example", ip=places[0])
    cast.asked(practice, "ana@mail.example", ip="2001:db8:1:3::1")
    stopped_clock.shift(timedelta(minutes=10))
    cast.asked(practice, "ana@mail.example", ip=places[0])


def test_requests_are_deleted_after_a_month(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    cast.with_access(cast.ana(practice))
    link = cast.mailed(practice, "ana@mail.example")
    stopped_clock.shift(timedelta(days=30, seconds=1))
    newer = cast.asked(practice, "ana@mail.example")
    assert sign_in_requests.delete_old() == 1
    assert SignInRequest.objects.get() == newer
    link.refresh_from_db()
    assert link.request is None


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_forty_simultaneous_requests_five_are_mailed() -> None:
    practice = cast.alder()
    cast.with_access(cast.ana(practice))
    gate = Barrier(AT_ONCE)

    def ask(number: int) -> None:
        try:
            gate.wait(30)
            cast.asked(practice, "ana@mail.example", browser=f"browser {number}", ip=f"203.0.113.{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(AT_ONCE)))
    while request_worker.process_next():
        pass
    assert SignInRequest.objects.count() == AT_ONCE
    assert OutgoingEmail.objects.count() == 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_guard_more_than_five_pass() -> None:
    """Shows that the race really happens if rows are counted instead of reserved."""
    practice = cast.alder()
    gate, counted = Barrier(AT_ONCE), Barrier(AT_ONCE)

    def count_then_write(number: int) -> bool:
        try:
            gate.wait(30)
            is_free = SignInRequest.objects.filter(practice=practice).count() < 5
            connection.close()  # The pool is smaller than the number of threads: none may wait while holding one.
            counted.wait(30)
            if is_free:
                cast.asked(practice, f"n{number}@mail.example", ip=f"203.0.113.{number}")
            return is_free
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sum(pool.map(count_then_write, range(AT_ONCE))) > 5
