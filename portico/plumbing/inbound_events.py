"""Inbound webhook events: stored once, processed later, with retries.

The app that knows a source registers a function that opens a batch of it, which yields the function for each event.
That function is called outside any transaction, may be called twice for the same event, and looks up the object
instead of trusting the payload.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, Max, OuterRef

from portico.plumbing import clock, error_locations
from portico.plumbing.models.inbound_events import InboundEvent, InboundEventState
from portico.plumbing.queue import leases

if TYPE_CHECKING:
    from django.db.models import Model

logger = logging.getLogger(__name__)

# Longer than processing takes: the worker's calls to Stripe share a deadline (gateways.stripe.deadline).
LEASE = timedelta(seconds=90)
# Claimed and settled together: both cost as much for one event as for many.
BATCH_SIZE = 20
# Events that are not processed by then, because Stripe is slow, are released for other workers.
BATCH_SECONDS = 2.0
# Until its turn an event is leased for little longer than that: if a call before it hangs, other workers take it.
WAITING_LEASE = timedelta(seconds=5)
# An unknown object may become known with a later event; after three days it never will.
RETRY_AFTER = (5, 15, 60, 300, 900, 3600)
GIVE_UP_AFTER = timedelta(days=3)
MAX_ERRORS = 5
# Stripe sends an event again for three days, and on request for thirty.
RETENTION = timedelta(days=90)
DELETION_BATCH_SIZE = 1_000


class EventResult(StrEnum):
    """The result of processing an event. `LATER`: the object is not known yet, or the source cannot be reached."""

    DONE = "done"
    IGNORED = "ignored"
    LATER = "later"


type Worker = Callable[[InboundEvent], EventResult]
type OpenBatch = Callable[[], AbstractContextManager[Worker]]
_sources: dict[str, OpenBatch] = {}


def register(source: str, open_batch: OpenBatch) -> None:
    _sources[source] = open_batch


def store(
    practice: "Model",
    *,
    source: str,
    event_id: str,
    kind: str,
    object_kind: str,
    object_id: str,
    livemode: bool,
    happened_at: datetime,
    is_for_us: bool = True,
) -> None:
    """Stores the event, once however often it arrives. An event that is not for us is stored as settled."""
    now = clock.now()
    event = InboundEvent(
        practice_id=practice.pk,
        source=source,
        event_id=event_id,
        kind=kind,
        object_kind=object_kind,
        object_id=object_id,
        livemode=livemode,
        happened_at=happened_at,
        written_at=now,
        state=InboundEventState.WAITING if is_for_us else InboundEventState.IGNORED,
        settled_at=None if is_for_us else now,
    )
    InboundEvent.objects.bulk_create([event], ignore_conflicts=True)


def last_received_at(practice: "Model", source: str) -> datetime | None:
    """Returns the time of the last event from the source."""
    of_source = InboundEvent.objects.filter(practice_id=practice.pk, source=source)
    received_at: datetime | None = of_source.aggregate(at=Max("written_at"))["at"]
    return received_at


def process_next() -> bool:
    """Processes a batch of the oldest events that are due. Returns False if there are none of a registered source."""
    if not _sources:
        return False
    waiting = InboundEvent.objects.waiting().filter(source__in=_sources).select_related("practice")
    events = leases.claim_some(waiting, limit=BATCH_SIZE, lease=WAITING_LEASE)
    ends_at = time.monotonic() + BATCH_SECONDS
    finished: dict[EventResult, list[InboundEvent]] = {EventResult.DONE: [], EventResult.IGNORED: []}
    with ExitStack() as batches:
        workers = {source: batches.enter_context(_sources[source]()) for source in {each.source for each in events}}
        for number, event in enumerate(events):
            if number and time.monotonic() > ends_at:
                leases.release_all(events[number:])
                break
            if not leases.extend(event, lease=LEASE):
                continue
            result = _process(event, workers[event.source])
            if result in finished:
                finished[result].append(event)
            elif result is EventResult.LATER:
                _postpone(event)
    for result, settled in finished.items():
        _settle(settled, InboundEventState(result.value))
    return bool(events)


def _process(event: InboundEvent, worker: Worker) -> EventResult | None:
    """Returns the result; None for an error, which is recorded."""
    try:
        return worker(event)
    except (OperationalError, InterfaceError):
        raise  # The database is unavailable, which is not an error of this event.
    except Exception as error:  # noqa: BLE001  # Any error in one event must not stop the others.
        _record_error(event, error_locations.location_of(error))
        return None


def delete_old() -> int:
    """Deletes settled events of more than RETENTION ago, a batch of the oldest; a scheduled task. Returns their number.

    The newest event of each source stays: `last_received_at` shows when it arrived.
    """
    oldest = InboundEvent.objects.order_by("id").values_list("id", flat=True)[:DELETION_BATCH_SIZE]
    newer = InboundEvent.objects.filter(practice=OuterRef("practice"), source=OuterRef("source"), id__gt=OuterRef("id"))
    old = InboundEvent.objects.filter(clock.not_within("settled_at", RETENTION), Exists(newer), id__in=list(oldest))
    return old.delete()[0]


def _record_error(event: InboundEvent, location: str) -> None:
    logger.warning("inbound_event.failed", extra={"event": event.pk, "kind": event.kind, "error": location})
    event.errors += 1
    changes = {"errors": event.errors, "detail": location}
    if event.errors >= MAX_ERRORS:
        _settle([event], InboundEventState.PARKED, **changes)
    else:
        _postpone(event, **changes)


def _postpone(event: InboundEvent, **changes: object) -> None:
    now = clock.now()
    if clock.is_from_future(event.written_at):
        changes["written_at"] = now  # The clock was ahead when it arrived: its three days start now.
    elif now - event.written_at > GIVE_UP_AFTER:
        _settle([event], InboundEventState.PARKED, **changes)
        return
    wait = RETRY_AFTER[min(event.attempts, len(RETRY_AFTER)) - 1]
    leases.finish(event, **changes | {"not_before": now + timedelta(seconds=wait)})


def _settle(events: Sequence[InboundEvent], state: InboundEventState, **changes: object) -> None:
    saved = leases.finish_all(events, **changes | {"state": state, "settled_at": clock.now()})
    for event in events:
        names = {"event": event.pk, "kind": event.kind, "state": state.value, "attempts": event.attempts}
        logger.info("inbound_event.attempted" if event in saved else "inbound_event.outcome_discarded", extra=names)
