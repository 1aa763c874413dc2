"""Inbound events: stored once, processed until settled, and never blocking each other."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
import time_machine

from portico.domain.practices import suspension
from portico.domain.practices.models import Practice
from portico.plumbing import clock, inbound_events
from portico.plumbing.inbound_events import EventResult
from portico.plumbing.models import InboundEvent, InboundEventState
from portico.plumbing.queue import leases
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Worker:
    """A function for a source: it returns the next of `results`, then DONE."""

    def __init__(self) -> None:
        self.results: list[EventResult | Exception] = []
        self.seen: list[str] = []

    def __call__(self, event: InboundEvent) -> EventResult:
        self.seen.append(event.event_id)
        result = self.results.pop(0) if self.results else EventResult.DONE
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker = Worker()
    monkeypatch.setattr(inbound_events, "_sources", {"test": lambda: nullcontext(worker)})
    return worker


def store(practice: Practice, event_id: str, *, is_for_us: bool = True, source: str = "test") -> None:
    inbound_events.store(
        practice, source=source, event_id=event_id, kind="thing.happened", object_kind="thing", object_id="t1",
        livemode=False, happened_at=clock.now(), is_for_us=is_for_us,
    )  # fmt: skip


def states() -> dict[str, str]:
    return dict(InboundEvent.objects.order_by("id").values_list("event_id", "state"))


def test_an_event_is_stored_once_per_practice(practice: Practice, worker: Worker) -> None:
    for _ in range(3):
        store(practice, "e1")
    store(cast.birch(), "e1")
    assert InboundEvent.objects.count() == 2
    while inbound_events.process_next():
        pass
    assert worker.seen == ["e1", "e1"]
    store(practice, "e1")
    assert not inbound_events.process_next()


def test_events_are_processed_in_order(practice: Practice, worker: Worker) -> None:
    for name in ("e1", "e2", "e3"):
        store(practice, name)
    while inbound_events.process_next():
        pass
    assert worker.seen == ["e1", "e2", "e3"]
    assert set(states().values()) == {InboundEventState.DONE}


def test_a_slow_batch_releases_the_events_it_did_not_reach(
    practice: Practice, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_events, "BATCH_SECONDS", -1.0)
    for name in ("e1", "e2", "e3"):
        store(practice, name)
    assert inbound_events.process_next()
    assert worker.seen == ["e1"]
    rows = InboundEvent.objects.order_by("id").values_list("state", "lease_until", "attempts")
    assert list(rows) == [("done", None, 1), ("waiting", None, 0), ("waiting", None, 0)]


def test_a_hanging_event_does_not_hold_the_others_of_its_batch(
    practice: Practice, worker: Worker, monkeypatch: pytest.MonkeyPatch, stopped_clock: time_machine.Traveller
) -> None:
    def hang_at_first(event: InboundEvent) -> EventResult:
        if event.event_id == "e1":
            stopped_clock.shift(timedelta(seconds=25))
            assert inbound_events.process_next()  # Another worker.
        return worker(event)

    monkeypatch.setattr(inbound_events, "_sources", {"test": lambda: nullcontext(hang_at_first)})
    for name in ("e1", "e2", "e3"):
        store(practice, name)
    assert inbound_events.process_next()
    assert worker.seen == ["e2", "e3", "e1"]
    assert set(states().values()) == {InboundEventState.DONE}
    assert list(InboundEvent.objects.order_by("id").values_list("attempts", flat=True)) == [1, 2, 2]


def test_events_of_a_suspended_practice_are_processed(practice: Practice, worker: Worker) -> None:
    store(practice, "e1")
    suspension.suspend(practice, by=cast.DESK)
    assert inbound_events.process_next()
    assert worker.seen == ["e1"]


def test_events_not_for_us_are_stored_only(practice: Practice, worker: Worker) -> None:
    store(practice, "e1", is_for_us=False)
    assert not inbound_events.process_next()
    assert states() == {"e1": InboundEventState.IGNORED}


def test_an_event_of_an_unknown_object_is_retried(
    practice: Practice, worker: Worker, stopped_clock: time_machine.Traveller
) -> None:
    worker.results = [EventResult.LATER, EventResult.LATER]
    store(practice, "e1")
    assert inbound_events.process_next()
    assert not inbound_events.process_next()
    stopped_clock.shift(timedelta(seconds=5))
    assert inbound_events.process_next()
    stopped_clock.shift(timedelta(seconds=14))
    assert not inbound_events.process_next()
    stopped_clock.shift(timedelta(seconds=1))
    assert inbound_events.process_next()
    assert states() == {"e1": InboundEventState.DONE}


def test_an_unknown_object_is_given_up_after_three_days(
    practice: Practice, worker: Worker, stopped_clock: time_machine.Traveller
) -> None:
    worker.results = [EventResult.LATER, EventResult.LATER]
    store(practice, "e1")
    inbound_events.process_next()
    stopped_clock.shift(timedelta(days=3, seconds=1))
    inbound_events.process_next()
    assert states() == {"e1": InboundEventState.PARKED}


def test_a_future_event_is_given_up_after_three_days(
    practice: Practice, worker: Worker, stopped_clock: time_machine.Traveller
) -> None:
    worker.results = [EventResult.LATER] * 3
    stopped_clock.shift(timedelta(days=730))
    store(practice, "e1")
    inbound_events.process_next()
    stopped_clock.shift(timedelta(days=-730))
    assert inbound_events.process_next()
    stopped_clock.shift(timedelta(days=3, seconds=1))
    inbound_events.process_next()
    assert states() == {"e1": InboundEventState.PARKED}


def test_five_errors_park_an_event(practice: Practice, worker: Worker, stopped_clock: time_machine.Traveller) -> None:
    worker.results = [RuntimeError("a secret of somebody"), EventResult.DONE, *([RuntimeError("again")] * 4)]
    store(practice, "e1")
    store(practice, "e2")
    inbound_events.process_next()
    assert states()["e2"] == InboundEventState.DONE
    for _ in range(4):
        stopped_clock.shift(timedelta(hours=1))
        inbound_events.process_next()
    event = InboundEvent.objects.get(event_id="e1")
    assert (event.state, event.errors) == (InboundEventState.PARKED, 5)
    assert "RuntimeError at test_inbound_events.py" in event.detail
    assert "again" not in event.detail


def test_an_outcome_without_the_claim_is_discarded(practice: Practice, worker: Worker) -> None:
    store(practice, "e1")
    slow = leases.claim(InboundEvent.objects.waiting(), lease=timedelta(seconds=-1))
    assert slow is not None
    assert inbound_events.process_next()
    assert not leases.finish(slow, state=InboundEventState.PARKED, settled_at=clock.now())
    assert states() == {"e1": InboundEventState.DONE}


def test_an_event_of_an_unregistered_source_waits(
    practice: Practice, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(practice, "e1", source="other")
    assert not inbound_events.process_next()
    monkeypatch.setattr(inbound_events, "_sources", {})
    assert not inbound_events.process_next()
    inbound_events.register("other", lambda: nullcontext(worker))
    assert inbound_events.process_next()


def test_the_time_of_the_last_event_is_known(practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    assert inbound_events.last_received_at(practice, "test") is None
    store(practice, "e1")
    stopped_clock.shift(timedelta(minutes=4))
    store(cast.birch(), "e2")
    heard_at = inbound_events.last_received_at(practice, "test")
    assert heard_at is not None
    assert clock.now() - heard_at == timedelta(minutes=4)


def test_settled_events_are_deleted_after_90_days(
    practice: Practice, worker: Worker, stopped_clock: time_machine.Traveller
) -> None:
    worker.results = [EventResult.DONE, EventResult.IGNORED, EventResult.LATER]
    for event in ("done", "ignored", "later", "newest"):
        store(practice, event)
    while inbound_events.process_next():
        pass
    stopped_clock.shift(timedelta(days=89))
    assert inbound_events.delete_old() == 0
    stopped_clock.shift(timedelta(days=2))
    assert inbound_events.delete_old() == 2
    assert set(states()) == {"later", "newest"}
    assert inbound_events.last_received_at(practice, "test") is not None
