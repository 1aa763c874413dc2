"""Rows that wait to be worked on: claimed under a lease, finished behind a fence."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow

# No lease is ever longer. One that reaches further was taken while the clock was ahead, and holds nothing.
LONGEST_LEASE = timedelta(minutes=2)


class QueuedRow(PracticeRow):
    """A row that a worker takes up. Its state, which says that it still waits, is the child's own."""

    # The furthest ahead that `not_before` is ever set. One further ahead was set by a wrong clock: it holds nothing up.
    LONGEST_WAIT: ClassVar[timedelta] = timedelta(hours=1)

    # Whoever claimed the row holds it until then; a worker that was killed holds it no longer.
    lease_until = models.DateTimeField(null=True, editable=False)
    not_before = models.DateTimeField(null=True, editable=False)
    # How often it was claimed, and the fence: an outcome counts only while this number is the claimed one.
    tries = models.PositiveIntegerField(default=0, editable=False)

    class Meta(PracticeRow.Meta):
        abstract = True

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the row at this moment."""
        now = clock.now()
        return self.lease_until is not None and now < self.lease_until <= now + LONGEST_LEASE + clock.SKEW


def ready[R: QueuedRow](rows: QuerySet[R]) -> QuerySet[R]:
    """Those of the rows that nobody holds and that are due."""
    now = clock.now()
    return rows.filter(
        Q(lease_until=None) | Q(lease_until__lte=now) | clock.from_future("lease_until", beyond=LONGEST_LEASE),
        Q(not_before=None) | Q(not_before__lte=now) | clock.from_future("not_before", beyond=rows.model.LONGEST_WAIT),
    )


def claim[R: QueuedRow](rows: QuerySet[R], *, lease: timedelta) -> R | None:
    """The oldest row that is ready, held for the length of the lease; None when there is none."""
    return next(iter(claim_some(rows, most=1, lease=lease)), None)


def claim_some[R: QueuedRow](rows: QuerySet[R], *, most: int, lease: timedelta) -> list[R]:
    """The oldest rows that are ready, each held for the length of the lease; none when there are none."""
    if lease > LONGEST_LEASE:
        raise ValueError(f"A lease of {lease} is longer than LONGEST_LEASE.")
    waiting = ready(rows).order_by("id")
    if not waiting.exists():  # A plain read: an idle worker takes no lock.
        return []
    with transaction.atomic():
        claimed = list(waiting.select_for_update(no_key=True, skip_locked=True, of=("self",))[:most])
        lease_until = clock.now() + lease
        for row in claimed:
            row.lease_until = lease_until
            row.tries += 1
        held = rows.model._base_manager.filter(pk__in=[row.pk for row in claimed])
        held.update(lease_until=lease_until, tries=F("tries") + 1)
    return claimed


def update_if_held(row: QueuedRow, **changes: Any) -> bool:  # Any: a column's value.
    """Writes the changes while the claim lasts and keeps it. False: somebody else holds the row now."""
    held = type(row)._base_manager.filter(pk=row.pk, tries=row.tries).update(**changes)
    if held:
        for name, value in changes.items():
            setattr(row, name, value)
    return bool(held)


def update_all_held[R: QueuedRow](rows: Sequence[R], **changes: Any) -> list[R]:  # Any: a column's value.
    """As `hold`, the same changes for several rows of a kind, each behind its own fence. Gives those still held."""
    held = []
    for alike, behind_fence in _by_fence(rows):
        if behind_fence.update(**changes) == len(alike):
            held += alike
        else:
            # One that was lost may have been let go since, and stand behind the fence again: but not as we wrote it.
            written = set(behind_fence.filter(**changes).values_list("pk", flat=True))
            held += [row for row in alike if row.pk in written]
    for row in held:
        for name, value in changes.items():
            setattr(row, name, value)
    return held


def finish(row: QueuedRow, **changes: Any) -> bool:  # Any: a column's value.
    """Writes the outcome and lets go of the row. False: somebody else holds it, and nothing was written."""
    return update_if_held(row, **{"lease_until": None, "not_before": None} | changes)


def finish_all[R: QueuedRow](rows: Sequence[R], **changes: Any) -> list[R]:  # Any: a column's value.
    """Writes one outcome to several rows of a kind, each behind its own fence. Gives those that were still held."""
    return update_all_held(rows, **{"lease_until": None, "not_before": None} | changes)


def release_all(rows: Sequence[QueuedRow], **changes: Any) -> None:  # Any: a column's value.
    """Gives back rows that were claimed and not worked on, as if nobody had claimed them."""
    for alike, behind_fence in _by_fence(rows):
        behind_fence.update(lease_until=None, tries=alike[0].tries - 1, **changes)


def _by_fence[R: QueuedRow](rows: Sequence[R]) -> Iterator[tuple[list[R], QuerySet[R]]]:
    """Those claimed equally often, most often all of them, with what finds them while their claim lasts."""
    for tries, together in groupby(sorted(rows, key=attrgetter("tries")), key=attrgetter("tries")):
        alike = list(together)
        yield alike, type(alike[0])._base_manager.filter(pk__in=[row.pk for row in alike], tries=tries)


def lag(rows: QuerySet[Any]) -> timedelta:  # Any: whatever queue is asked about.
    """How long the row that is overdue longest has been so; `rows` wait, and have `written_at`."""
    first = ready(rows).annotate(due_at=Coalesce(F("not_before"), F("written_at")))
    due_at = first.aggregate(earliest=Min("due_at"))["earliest"]
    return max(clock.now() - due_at, timedelta()) if due_at else timedelta()
