"""`retry_on_deadlock`: a deadlocked operation is repeated."""

import threading

import pytest
from django.db import IntegrityError, OperationalError, connections, transaction

from portico.domain.practices.models import Practice
from portico.plumbing.database.deadlocks import RETRIES, retry_on_deadlock

pytestmark = pytest.mark.both_databases


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_both_deadlocked_operations_complete() -> None:
    one, two = (Practice.objects.create(slug=slug, name=slug) for slug in ("one-way", "other-way"))
    both_hold_their_first = threading.Barrier(2)
    attempts: list[str] = []

    @retry_on_deadlock
    def lock(first: Practice, second: Practice, name: str) -> None:
        attempts.append(name)
        with transaction.atomic():
            Practice.objects.locked().get(pk=first.pk)
            if attempts.count(name) == 1:
                both_hold_their_first.wait(10)
            Practice.objects.locked().get(pk=second.pk)
            Practice.objects.filter(pk=second.pk).update(support_hours=name)

    done: list[str] = []

    def run(first: Practice, second: Practice, name: str) -> None:
        try:
            lock(first, second, name)
            done.append(name)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(one, two, "forth")),
        threading.Thread(target=run, args=(two, one, "back")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == ["back", "forth"]
    assert len(attempts) > 2


@pytest.mark.django_db
def test_other_errors_are_raised_at_once() -> None:
    attempts: list[int] = []

    @retry_on_deadlock
    def stumble(error: Exception) -> None:
        attempts.append(1)
        raise error

    for error in (OperationalError("gone"), IntegrityError("twice")):
        with pytest.raises(type(error)):
            stumble(error)
    assert len(attempts) == 2


class _Deadlock(Exception):
    sqlstate = "40P01"


def test_a_retry_that_deadlocks_is_retried_too() -> None:
    attempts: list[int] = []

    @retry_on_deadlock
    def lock(deadlocks: int) -> int:
        attempts.append(1)
        if len(attempts) <= deadlocks:
            raise OperationalError("deadlock detected") from _Deadlock()
        return len(attempts)

    assert lock(RETRIES) == RETRIES + 1
    attempts.clear()
    with pytest.raises(OperationalError):
        lock(RETRIES + 1)
    assert len(attempts) == RETRIES + 1
