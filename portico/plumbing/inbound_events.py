"""Events from elsewhere: kept once, answered at once, worked on later and as often as it takes.

The app that understands a source registers one function for it. That function is called outside any transaction, may
be called twice for the same event, and looks at the thing itself instead of trusting what was told.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from django.db.models import Max

from portico.plumbing import clock, error_locations
from portico.plumbing.models.inbound_events import InboundEvent, InboundEventState
from portico.plumbing.queue import leases

if TYPE_CHECKING:
    from django.db.models import Model

logger = logging.getLogger(__name__)

# Longer than the longest piece of work: every call to Stripe within the worker's own deadline.
LEASE = timedelta(seconds=90)
# What is not known yet may come with the next event; what is not known after three days never will.
RETRY_AFTER = (5, 15, 60, 300, 900, 3600)
GIVE_UP_AFTER = timedelta(days=3)
MAX_ERRORS = 5


class EventResult(StrEnum):
    """What became of an event. `LATER`: it is about a thing that we do not know yet, or nobody could be asked."""

    DONE = "done"
    IGNORED = "ignored"
    LATER = "later"


type Worker = Callable[[InboundEvent], EventResult]
_workers: dict[str, Worker] = {}


def register(source: str, worker: Worker) -> None:
    _workers[source] = worker


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
    """Stores the event, once however often it comes. What is not for us is stored as settled."""
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
    """When the source told us anything last."""
    of_source = InboundEvent.objects.filter(practice_id=practice.pk, source=source)
    heard_at: datetime | None = of_source.aggregate(at=Max("written_at"))["at"]
    return heard_at


def process_next() -> bool:
    """Works on the oldest event that is due. False when there is none, or nobody who would understand it."""
    if not _workers:
        return False
    waiting = InboundEvent.objects.waiting().filter(source__in=_workers).select_related("practice")
    event = leases.claim(waiting, lease=LEASE)
    if event is None:
        return False
    try:
        verdict = _workers[event.source](event)
    except (OperationalError, InterfaceError):
        raise  # The database is away: that is no mistake of this event.
    except Exception as mistake:  # noqa: BLE001  # Whatever is wrong with one event must not stop the others.
        _note_mistake(event, error_locations.location_of(mistake))
        return True
    if verdict is EventResult.LATER:
        _put_off(event)
    else:
        _settle(event, InboundEventState(verdict.value))
    return True


def _note_mistake(event: InboundEvent, place: str) -> None:
    logger.warning("inbox.mistake", extra={"event": event.pk, "kind": event.kind, "mistake": place})
    event.mistakes += 1
    changes = {"mistakes": event.mistakes, "detail": place}
    if event.mistakes >= MAX_ERRORS:
        _settle(event, InboundEventState.PARKED, **changes)
    else:
        _put_off(event, **changes)


def _put_off(event: InboundEvent, **changes: object) -> None:
    now = clock.now()
    if clock.is_from_future(event.written_at):
        changes["written_at"] = now  # The clock was ahead when it came: its three days begin now.
    elif now - event.written_at > GIVE_UP_AFTER:
        _settle(event, InboundEventState.PARKED, **changes)
        return
    wait = RETRY_AFTER[min(event.tries, len(RETRY_AFTER)) - 1]
    leases.finish(event, **changes | {"not_before": now + timedelta(seconds=wait)})


def _settle(event: InboundEvent, state: InboundEventState, **changes: object) -> None:
    written = leases.finish(event, **changes | {"state": state, "settled_at": clock.now()})
    names = {"event": event.pk, "kind": event.kind, "state": state.value, "tries": event.tries}
    logger.info("inbox.worked_on" if written else "inbox.fenced_off", extra=names)
