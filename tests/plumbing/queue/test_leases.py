"""Leases: one worker at a time processes a row, and only the worker with the claim saves the outcome."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from time_machine import Traveller

from portico.plumbing import clock, inbound_events
from portico.plumbing.mail import retry_policy
from portico.plumbing.models import InboundEvent, OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from portico.plumbing.queue import leases
from tests.plumbing.mail_messages import Note, an_email
from tests.plumbing.sample_rows import a_practice
from tests.support.clock_offsets import A_FEW, EACH_SCALE, one_example

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note"), pytest.mark.both_databases]
MINUTE = timedelta(minutes=1)


def claim() -> OutgoingEmail | None:
    return leases.claim(OutgoingEmail.objects.waiting(), lease=MINUTE)


def test_the_oldest_row_is_claimed_first() -> None:
    first, second = an_email("note:1"), an_email("note:2")
    assert [claim(), claim(), claim()] == [first, second, None]


def test_a_row_can_be_claimed_after_its_lease(stopped_clock: Traveller) -> None:
    email = an_email()
    claim()
    stopped_clock.shift(MINUTE)
    again = claim()
    assert again == email
    assert again.attempts == 2


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_a_lease_from_the_future_is_ignored(
    offsets: st.SearchStrategy[timedelta], stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = leases.LONGEST_LEASE + data.draw(offsets)
    with one_example(stopped_clock):
        an_email()
        stopped_clock.shift(ahead)
        slow = claim()
        assert slow is not None
        held = [slow.is_held]
        stopped_clock.shift(-ahead)
        held += [slow.is_held]
        assert held == [True, False]
        assert claim() == slow
        assert not leases.finish(slow, reason="slow")


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_a_lease_of_a_slow_clock_ends_early(
    offsets: st.SearchStrategy[timedelta], stopped_clock: Traveller, data: st.DataObject
) -> None:
    behind = data.draw(offsets)
    with one_example(stopped_clock):
        an_email()
        stopped_clock.shift(-behind)
        slow = claim()
        assert slow is not None
        stopped_clock.shift(behind)
        assert not slow.is_held
        assert claim() == slow


@EACH_SCALE
@A_FEW
@given(data=st.data())
def test_a_wait_from_the_future_is_ignored(
    offsets: st.SearchStrategy[timedelta], stopped_clock: Traveller, data: st.DataObject
) -> None:
    ahead = OutgoingEmail.LONGEST_WAIT + data.draw(offsets)
    with one_example(stopped_clock):
        an_email()
        stopped_clock.shift(ahead)
        email = claim()
        assert email is not None
        leases.finish(email, not_before=clock.now() + MINUTE)
        assert claim() is None
        stopped_clock.shift(-ahead)
        assert claim() == email


def test_a_clock_a_minute_ahead_is_tolerated(stopped_clock: Traveller) -> None:
    held, waiting = an_email("note:1"), an_email("note:2")
    stopped_clock.shift(MINUTE)
    leases.claim(OutgoingEmail.objects.filter(pk=held.pk), lease=leases.LONGEST_LEASE)
    OutgoingEmail.objects.filter(pk=waiting.pk).update(not_before=clock.now() + OutgoingEmail.LONGEST_WAIT)
    stopped_clock.shift(-MINUTE)
    assert claim() is None


def test_a_lease_beyond_the_maximum_is_refused() -> None:
    with pytest.raises(ValueError, match="LONGEST_LEASE"):
        leases.claim(OutgoingEmail.objects.waiting(), lease=timedelta(hours=1))


def test_no_mail_waits_longer_than_the_maximum() -> None:
    assert max(retry_policy.LONGEST_WAIT.values()) <= OutgoingEmail.LONGEST_WAIT
    assert timedelta(seconds=max(inbound_events.RETRY_AFTER)) <= InboundEvent.LONGEST_WAIT


def test_an_expired_claim_cannot_save_an_outcome(stopped_clock: Traveller) -> None:
    an_email()
    slow = claim()
    stopped_clock.shift(MINUTE)
    quick = claim()
    assert slow is not None
    assert quick is not None
    assert not leases.finish(slow, reason="slow")
    assert leases.finish(quick, reason="quick")
    assert OutgoingEmail.objects.get().reason == "quick"


def test_a_lease_is_extended_by_its_holder_only(stopped_clock: Traveller) -> None:
    an_email()
    slow = claim()
    assert slow is not None
    assert leases.extend(slow, lease=3 * MINUTE / 2)
    assert slow.lease_until == OutgoingEmail.objects.get().lease_until == clock.now() + 3 * MINUTE / 2
    stopped_clock.shift(MINUTE)
    assert claim() is None
    stopped_clock.shift(MINUTE)
    assert claim() is not None
    assert not leases.extend(slow, lease=MINUTE)


def test_several_rows_are_claimed_oldest_first() -> None:
    emails = [an_email(f"note:{number}") for number in range(3)]
    assert leases.claim_some(OutgoingEmail.objects.waiting(), limit=2, lease=MINUTE) == emails[:2]
    assert [email.attempts for email in OutgoingEmail.objects.order_by("id")] == [1, 1, 0]


def test_finish_all_checks_each_fencing_token(stopped_clock: Traveller) -> None:
    kept, lost = an_email("note:1"), an_email("note:2")
    rows = leases.claim_some(OutgoingEmail.objects.waiting(), limit=2, lease=MINUTE)
    stopped_clock.shift(MINUTE)
    assert leases.claim(OutgoingEmail.objects.filter(pk=lost.pk), lease=MINUTE) == lost
    assert leases.finish_all(rows, reason="together") == [kept]
    assert [email.reason for email in OutgoingEmail.objects.order_by("id")] == ["together", ""]


def test_update_all_held_omits_reclaimed_rows(stopped_clock: Traveller) -> None:
    again, fresh, lost = (an_email(f"note:{number}") for number in range(3))
    assert leases.claim(OutgoingEmail.objects.filter(pk=again.pk), lease=MINUTE) == again
    stopped_clock.shift(MINUTE)
    rows = leases.claim_some(OutgoingEmail.objects.waiting(), limit=3, lease=MINUTE)
    stopped_clock.shift(MINUTE)
    assert leases.claim(OutgoingEmail.objects.filter(pk=lost.pk), lease=MINUTE) == lost
    assert set(leases.update_all_held(rows, reason="together")) == {again, fresh}
    assert [row.reason for row in rows] == ["together", "together", ""]
    assert list(OutgoingEmail.objects.order_by("id").values_list("reason", flat=True)) == ["together", "together", ""]


def test_released_rows_count_no_attempt(stopped_clock: Traveller) -> None:
    an_email("note:1")
    lost = an_email("note:2")
    rows = leases.claim_some(OutgoingEmail.objects.waiting(), limit=2, lease=MINUTE)
    stopped_clock.shift(MINUTE)
    assert leases.claim(OutgoingEmail.objects.filter(pk=lost.pk), lease=MINUTE) == lost
    leases.release_all(rows)
    found = OutgoingEmail.objects.order_by("id")
    assert [(email.attempts, email.lease_until is None) for email in found] == [(0, True), (2, False)]


def test_a_reclaimed_and_released_row_is_not_held(stopped_clock: Traveller) -> None:
    """Another worker has claimed the row, released it, and thereby restored our fencing token."""
    kept, lost = an_email("note:1"), an_email("note:2")
    rows = leases.claim_some(OutgoingEmail.objects.waiting(), limit=2, lease=MINUTE)
    stopped_clock.shift(MINUTE)
    elsewhere = leases.claim_some(OutgoingEmail.objects.filter(pk=lost.pk), limit=1, lease=MINUTE)

    def let_go_before_it_is_looked(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # Any: Django's own.
        if sql.startswith("SELECT") and elsewhere:
            leases.release_all([elsewhere.pop()])
        return execute(sql, *rest)

    with connection.execute_wrapper(let_go_before_it_is_looked):
        held = leases.update_all_held(rows, lease_until=clock.now() + MINUTE)
    assert (held, elsewhere) == ([kept], [])
    assert claim() == lost


def test_a_row_waits_until_not_before(stopped_clock: Traveller) -> None:
    an_email()
    email = claim()
    assert email is not None
    leases.finish(email, not_before=clock.now() + MINUTE)
    assert claim() is None
    stopped_clock.shift(MINUTE)
    assert claim() == email


def test_lag_is_that_of_the_most_overdue_row(stopped_clock: Traveller) -> None:
    assert leases.lag(OutgoingEmail.objects.waiting()) == timedelta()
    an_email()
    stopped_clock.shift(MINUTE)
    assert leases.lag(OutgoingEmail.objects.waiting()) == MINUTE
    claim()
    assert leases.lag(OutgoingEmail.objects.waiting()) == timedelta()


@pytest.mark.django_db(transaction=True)
@pytest.mark.real_time
def test_many_workers_claim_each_row_once(note: Note) -> None:
    for number in range(12):
        an_email(f"note:{number}")
    claimed: list[int] = []
    start = Barrier(6)

    def work() -> None:
        start.wait()
        try:
            while (email := claim()) is not None:
                claimed.append(email.pk)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed))
    while (email := claim()) is not None:  # A worker may finish while the last rows are locked.
        claimed.append(email.pk)
    assert len(set(claimed)) == 12


def test_many_rows_of_one_practice_delay_no_other() -> None:
    large, small, later = a_practice(), a_practice(), a_practice()
    for number in range(30):
        an_email(f"large:{number}", practice=large)
    an_email("small:1", practice=small)
    turns = leases.PracticesInTurn()

    def claimed() -> list[str]:
        rows = turns.claim_some(OutgoingEmail.objects.waiting(), limit=4, lease=MINUTE)
        return [row.key for row in rows]

    assert claimed() == ["large:0", "large:1", "large:2", "large:3"]
    assert claimed() == ["small:1", "large:4", "large:5", "large:6"]
    an_email("later:1", practice=later)
    assert claimed() == ["later:1", "large:7", "large:8", "large:9"]


@pytest.mark.parametrize("queue", ["entrance", "rest"])
def test_waiting_rows_are_found_by_an_index(queue: str) -> None:
    for number in range(200):
        an_email(f"note:{number}")
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    an_email("note:waiting")
    waiting = leases.ready(OutgoingEmail.objects.waiting().in_queue(queue)).order_by("practice_id", "id")
    with connection.cursor() as cursor:
        # Without statistics of this table, PostgreSQL plans with those of an earlier test.
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "outgoing_waiting" in waiting.explain()
