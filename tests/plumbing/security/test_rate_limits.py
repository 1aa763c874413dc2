"""Budgets are counted exactly, also in parallel, and stay counted when the work is refused."""

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
FIVE = Limit.on("links", "ana@example.org", most=5, window=HOUR)
PER_IP = Limit.on("links-ip", "192.0.2.7", most=8, window=HOUR, stays_spent=True)


def _spent(limit: Limit) -> int:
    return sum(RateLimitCount.objects.filter(key=limit.key).values_list("n", flat=True))


@pytest.mark.django_db
def test_the_sixth_try_of_five_is_refused() -> None:
    for _ in range(5):
        rate_limits.spend(FIVE)

    with pytest.raises(RateLimitExceeded) as refusal:
        rate_limits.spend(FIVE)

    assert refusal.value.limit == FIVE
    assert _spent(FIVE) == 5


@pytest.mark.django_db
def test_of_many_tries_at_once_only_what_is_left_is_taken() -> None:
    assert [rate_limits.spend_up_to(FIVE, 3), rate_limits.spend_up_to(FIVE, 3), rate_limits.spend_up_to(FIVE, 3)] == [
        3,
        2,
        0,
    ]
    assert _spent(FIVE) == 5


@pytest.mark.django_db
def test_many_tries_at_once_begin_a_new_window(stopped_clock: time_machine.Traveller) -> None:
    rate_limits.spend_up_to(FIVE, 5)
    stopped_clock.shift(HOUR)
    assert rate_limits.spend_up_to(FIVE, 4) == 4
    assert _spent(FIVE) == 4


@pytest.mark.django_db
def test_a_new_window_begins_when_the_old_one_has_passed() -> None:
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
def test_a_window_from_the_future_counts_for_nothing(ahead: timedelta, count: int) -> None:
    rate_limits.clear(FIVE)
    with time_machine.travel(NOW + ahead, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5
    with time_machine.travel(NOW, tick=False):
        assert not rate_limits.is_spent(FIVE)
        assert rate_limits.spend_up_to(FIVE, count) == count
        assert _spent(FIVE) == count
    with time_machine.travel(NOW + HOUR - timedelta(seconds=1), tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5 - count


@pytest.mark.django_db
@given(behind=st.timedeltas(timedelta(0), timedelta(days=1000)))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_begun_by_a_slow_clock_ends_early_at_worst(behind: timedelta) -> None:
    rate_limits.clear(FIVE)
    with time_machine.travel(NOW - behind, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 5
    with time_machine.travel(NOW, tick=False):
        assert rate_limits.is_spent(FIVE) is (behind < HOUR)
        assert rate_limits.spend_up_to(FIVE, 1) == (behind >= HOUR)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [60, -60])
def test_a_clock_a_minute_apart_counts_in_the_same_window(seconds: int) -> None:
    with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
        rate_limits.spend_up_to(FIVE, 3)
    with time_machine.travel(NOW, tick=False):
        assert rate_limits.spend_up_to(FIVE, 5) == 2
        assert rate_limits.is_spent(FIVE)


@pytest.mark.django_db
def test_budgets_of_one_attempt_are_taken_together_or_none() -> None:
    one = Limit.on("day", "ana@example.org", most=1, window=HOUR)
    rate_limits.spend(one)

    with pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE, one)

    assert _spent(FIVE) == 0


@pytest.mark.django_db
def test_the_budget_per_ip_stays_spent() -> None:
    for _ in range(5):
        rate_limits.spend(FIVE, PER_IP)
    for _ in range(3):
        with pytest.raises(RateLimitExceeded) as refusal:
            rate_limits.spend(FIVE, PER_IP)
        assert refusal.value.limit == FIVE

    assert _spent(PER_IP) == 8


@pytest.mark.django_db
def test_beyond_the_budget_per_ip_no_other_is_taken() -> None:
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


def test_another_address_window_or_name_is_another_budget() -> None:
    keys = {
        FIVE.key,
        Limit.on("links", "carol@example.org", most=5, window=HOUR).key,
        Limit.on("links", "ana@example.org", most=5, window=2 * HOUR).key,
        Limit.on("pins", "ana@example.org", most=5, window=HOUR).key,
        Limit.on("links", "ana", "example.org", most=5, window=HOUR).key,
    }
    assert len(keys) == 5


@pytest.mark.django_db
def test_idle_budgets_are_forgotten_and_running_ones_kept() -> None:
    rate_limits.spend(FIVE)
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        rate_limits.spend(PER_IP)
        assert rate_limits.delete_idle() == 1

    assert RateLimitCount.objects.get().key == PER_IP.key


@pytest.mark.django_db(transaction=True)
def test_nothing_is_counted_inside_a_callers_transaction() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        rate_limits.spend(FIVE)


@pytest.mark.django_db(transaction=True)
def test_the_count_stays_when_the_work_is_refused() -> None:
    rate_limits.spend(FIVE)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError

    assert _spent(FIVE) == 1


def _parallel(attempt: Callable[[], None], *, threads: int = 8, attempts: int = 5) -> int:
    """How many got through; each attempt ends in a refusal of the work, as a wrong guess does."""
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
def test_parallel_tries_never_pass_the_limit() -> None:
    day = Limit.on("links", "ana@example.org", most=9, window=24 * HOUR)
    orders = [(FIVE, day), (day, FIVE)]

    def attempt() -> None:
        rate_limits.spend(*orders[threading.get_ident() % 2])
        with transaction.atomic():
            raise ZeroDivisionError

    assert _parallel(attempt) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_parallel_tries_begin_one_window_after_the_clock_was_set_right(
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
def test_twin_counting_inside_the_refused_work_lets_everybody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows the race that `spend` closes: without its own transaction the count goes with the refusal."""
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
def test_a_visitor_is_an_ipv4_address_or_a_64(address: str, visitor: str) -> None:
    assert rate_limits.network_of(address) == visitor


@pytest.mark.django_db
def test_a_try_that_was_right_is_given_back() -> None:
    for _ in range(20):
        rate_limits.spend(FIVE)
        rate_limits.give_back(FIVE)

    for _ in range(5):
        rate_limits.spend(FIVE)
    with pytest.raises(RateLimitExceeded):
        rate_limits.spend(FIVE)
