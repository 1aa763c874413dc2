"""Rate limits: exact counts, also for concurrent requests, that survive a rollback of the work."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portico.plumbing import clock
from portico.plumbing.models import RateLimitCount
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded
from tests.support.clock import NOW

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)
FIVE = Limit.on("links", "ana@example.org", max_attempts=5, window=HOUR)
PER_IP = Limit.on("links-ip", "192.0.2.7", max_attempts=8, window=HOUR, stays_spent=True)


def _spent(limit: Limit) -> int:
    return sum(RateLimitCount.objects.filter(key=limit.key).values_list("n", flat=True))


@pytest.mark.django_db
def test_the_sixth_of_five_attempts_is_refused() -> None:
    for _ in range(5):
        rate_limits.spend(FIVE)

    with pytest.raises(RateLimitExceeded) as refusal:
        rate_limits.spend(FIVE)

    assert refusal.value.limit == FIVE
    assert _spent(FIVE) == 5


@pytest.mark.django_db
def test_spend_up_to_takes_what_is_left() -> None:
    assert [rate_limits.spend_up_to(FIVE, 3), rate_limits.spend_up_to(FIVE, 3), rate_limits.spend_up_to(FIVE, 3)] == [
        3,
        2,
        0,
    ]
    assert _spent(FIVE) == 5


@pytest.mark.django_db
def test_spend_up_to_begins_a_new_window(stopped_clock: time_machine.Traveller) -> None:
    rate_limits.spend_up_to(FIVE, 5)
    stopped_clock.shift(HOUR)
    assert rate_limits.spend_up_to(FIVE, 4) == 4
    assert _spent(FIVE) == 4


@pytest.mark.django_db
def test_a_new_window_begins_after_the_old_one() -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        for _ in range(5):
            rate_limits.spend(FIVE)

    with time_machine.travel(start + HOUR - timedelta(seconds=1), tick=False), pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE)
    with time_machine.travel(start + HOUR, tick=False):
        rate_limits.spend(FIVE)

    assert _spent(FIVE) == 1


@pytest.mark.django_db
@given(ahead=st.timedeltas(timedelta(seconds=61), timedelta(days=1000)), count=st.integers(1, 5))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_from_the_future_is_ignored(ahead: timedelta, count: int) -> None:
    rate_limits.clear(FIVE)
    with time_machine.travel(NOW + ahead, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5
    with time_machine.travel(NOW, tick=False):
        assert not rate_limits.is_any_spent(FIVE)
        assert rate_limits.spend_up_to(FIVE, count) == count
        assert _spent(FIVE) == count
    with time_machine.travel(NOW + HOUR - timedelta(seconds=1), tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5 - count


@pytest.mark.django_db
@given(behind=st.timedeltas(timedelta(0), timedelta(days=1000)))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_of_a_slow_clock_ends_early(behind: timedelta) -> None:
    rate_limits.clear(FIVE)
    with time_machine.travel(NOW - behind, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5
    with time_machine.travel(NOW, tick=False):
        assert rate_limits.is_any_spent(FIVE) is (behind < HOUR)
        assert rate_limits.spend_up_to(FIVE, 1) == (behind >= HOUR)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [60, -60])
def test_clocks_a_minute_apart_share_a_window(seconds: int) -> None:
    with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
        rate_limits.spend_up_to(FIVE, 3)
    with time_machine.travel(NOW, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 2
        assert rate_limits.is_any_spent(FIVE)


@pytest.mark.django_db
def test_an_attempt_spends_all_limits_or_none() -> None:
    one = Limit.on("day", "ana@example.org", max_attempts=1, window=HOUR)
    rate_limits.spend(one)

    with pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE, one)

    assert _spent(FIVE) == 0


@pytest.mark.django_db
def test_the_limit_per_ip_stays_spent() -> None:
    for _ in range(5):
        rate_limits.spend(FIVE, PER_IP)
    for _ in range(3):
        with pytest.raises(RateLimitExceeded) as refusal:
            rate_limits.spend(FIVE, PER_IP)
        assert refusal.value.limit == FIVE

    assert _spent(PER_IP) == 8


@pytest.mark.django_db
def test_beyond_the_limit_per_ip_no_other_is_spent() -> None:
    for _ in range(8):
        rate_limits.spend(PER_IP)

    with pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE, PER_IP)

    assert _spent(FIVE) == 0


@pytest.mark.django_db
def test_the_table_holds_no_addresses() -> None:
    rate_limits.spend(FIVE, PER_IP)

    for key in RateLimitCount.objects.values_list("key", flat=True):
        assert "ana" not in key
        assert "192.0.2.7" not in key


def test_subject_window_and_name_make_a_limit() -> None:
    keys = {
        FIVE.key,
        Limit.on("links", "carol@example.org", max_attempts=5, window=HOUR).key,
        Limit.on("links", "ana@example.org", max_attempts=5, window=2 * HOUR).key,
        Limit.on("pins", "ana@example.org", max_attempts=5, window=HOUR).key,
        Limit.on("links", "ana", "example.org", max_attempts=5, window=HOUR).key,
    }
    assert len(keys) == 5


@pytest.mark.django_db
def test_only_idle_counts_are_deleted() -> None:
    rate_limits.spend(FIVE)
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        rate_limits.spend(PER_IP)
        assert rate_limits.delete_idle() == 1

    assert RateLimitCount.objects.get().key == PER_IP.key


@pytest.mark.django_db(transaction=True)
def test_spending_is_refused_inside_a_transaction() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        rate_limits.spend(FIVE)


@pytest.mark.django_db(transaction=True)
def test_the_count_survives_a_rollback_of_the_work() -> None:
    rate_limits.spend(FIVE)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError

    assert _spent(FIVE) == 1


def _parallel(attempt: Callable[[], None], *, threads: int = 8, attempts: int = 5) -> int:
    """Returns how many attempts were allowed; the work of each is rolled back, like that of a wrong guess."""
    passed: list[bool] = []
    start = threading.Barrier(threads)

    def work() -> None:
        start.wait()
        for _ in range(attempts):
            try:
                attempt()
            except RateLimitExceeded:
                continue
            except ZeroDivisionError:
                passed.append(True)
        connection.close()

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return len(passed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_concurrent_attempts_never_exceed_the_limit() -> None:
    day = Limit.on("links", "ana@example.org", max_attempts=9, window=24 * HOUR)
    orders = [(FIVE, day), (day, FIVE)]

    def attempt() -> None:
        rate_limits.spend(*orders[threading.get_ident() % 2])
        with transaction.atomic():
            raise ZeroDivisionError

    assert _parallel(attempt) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_concurrent_attempts_replace_a_future_window(
    stopped_clock: time_machine.Traveller,
) -> None:
    stopped_clock.shift(timedelta(days=3))
    rate_limits.spend_up_to(FIVE, 5)
    stopped_clock.shift(timedelta(days=-3))

    def attempt() -> None:
        rate_limits.spend(FIVE)
        raise ZeroDivisionError

    assert _parallel(attempt) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_twin_counting_in_a_rolled_back_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: counted in the transaction of the work, the count is rolled back with it."""
    atomic = transaction.atomic

    def _any_atomic(*, durable: bool) -> AbstractContextManager[None]:
        return atomic()

    monkeypatch.setattr(transaction, "atomic", _any_atomic)

    def attempt() -> None:
        with atomic():
            rate_limits.spend(FIVE)
            raise ZeroDivisionError

    assert _parallel(attempt) == 40


@pytest.mark.parametrize(
    ("address", "visitor"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_a_64(address: str, visitor: str) -> None:
    assert rate_limits.network_of(address) == visitor


@pytest.mark.django_db
def test_a_successful_attempt_is_uncounted() -> None:
    for _ in range(20):
        rate_limits.spend(FIVE)
        rate_limits.give_back(FIVE)

    for _ in range(5):
        rate_limits.spend(FIVE)
    with pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE)
