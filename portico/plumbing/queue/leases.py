"""Queued rows: claimed under a lease, finished with a fencing token."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, ClassVar

from django.db import connection, models, transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow

# A lease that lasts longer than this was taken while the clock was ahead, and is ignored.
LONGEST_LEASE = timedelta(minutes=2)


class QueuedRow(PracticeRow):
    """A row that a worker processes. The state, waiting or settled, is added by the subclass."""

    # The furthest ahead that `not_before` is ever set. A later one was set by a wrong clock and is ignored.
    LONGEST_WAIT: ClassVar[timedelta] = timedelta(hours=1)

    # The end of the lease; the row of a killed worker can be claimed again after it.
    lease_until = models.DateTimeField(null=True, editable=False)
    not_before = models.DateTimeField(null=True, editable=False)
    # The number of claims, and the fencing token: an outcome is saved only if it still has the claimed value.
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta(PracticeRow.Meta):
        abstract = True

    @property
    def is_held(self) -> bool:
        """True while a worker has a lease on the row."""
        now = clock.now()
        return self.lease_until is not None and now < self.lease_until <= now + LONGEST_LEASE + clock.SKEW


def ready[R: QueuedRow](rows: QuerySet[R]) -> QuerySet[R]:
    """Returns the rows that are due and not leased."""
    now = clock.now()
    return rows.filter(
        Q(lease_until=None) | Q(lease_until__lte=now) | clock.from_future("lease_until", beyond=LONGEST_LEASE),
        Q(not_before=None) | Q(not_before__lte=now) | clock.from_future("not_before", beyond=rows.model.LONGEST_WAIT),
    )


def claim[R: QueuedRow](rows: QuerySet[R], *, lease: timedelta) -> R | None:
    """Claims the oldest row that is ready, for the length of the lease. Returns None if there is none."""
    return next(iter(claim_some(rows, limit=1, lease=lease)), None)


def claim_some[R: QueuedRow](rows: QuerySet[R], *, limit: int, lease: timedelta) -> list[R]:
    """Claims the oldest rows that are ready, at most `limit`, for the length of the lease."""
    waiting = ready(rows).order_by("id")
    return _claim(waiting, [waiting], limit=limit, lease=lease)


class PracticesInTurn:
    """Claims rows of each practice in turn, so that many rows of one practice do not delay those of the others."""

    def __init__(self) -> None:
        self._last_practice = 0

    def claim_some[R: QueuedRow](self, rows: QuerySet[R], *, limit: int, lease: timedelta) -> list[R]:
        """Claims the oldest rows of the practices that follow the last one served, then those of the first ones."""
        waiting = ready(rows).order_by("practice_id", "id")
        following = waiting.filter(practice_id__gt=self._last_practice)
        others = waiting.filter(practice_id__lte=self._last_practice)
        claimed = _claim(waiting, [following, others], limit=limit, lease=lease)
        if claimed:
            self._last_practice = claimed[-1].practice_id
        return claimed


def _claim[R: QueuedRow](
    waiting: QuerySet[R], parts: Sequence[QuerySet[R]], *, limit: int, lease: timedelta
) -> list[R]:
    """Claims the first of the waiting rows, which the parts have in turn."""
    if lease > LONGEST_LEASE:
        raise ValueError(f"A lease of {lease} is longer than LONGEST_LEASE.")
    if not waiting.exists():  # A plain read: an idle worker takes no lock.
        return []
    claimed: list[R] = []
    with transaction.atomic():
        for part in parts:
            if len(claimed) < limit:
                free = part.select_for_update(no_key=True, skip_locked=True, of=("self",))
                claimed += free[: limit - len(claimed)]
        lease_until = clock.now() + lease
        for row in claimed:
            row.lease_until = lease_until
            row.attempts += 1
        held = waiting.model._base_manager.filter(pk__in=[row.pk for row in claimed])
        held.update(lease_until=lease_until, attempts=F("attempts") + 1)
    return claimed


def update_if_held(row: QueuedRow, **changes: Any) -> bool:  # Any: a column's value.
    """Saves the changes and keeps the claim. Returns False, saving nothing, if another worker has claimed the row.

    Done for each row of a batch: building and compiling a queryset would take longer than the statement itself.
    """
    quoted = connection.ops.quote_name
    fields: list[Any] = [row._meta.get_field(name) for name in changes]  # Any: columns of any type.
    assignments = ", ".join(f"{quoted(field.column)} = %s" for field in fields)
    values = [field.get_db_prep_save(value, connection) for field, value in zip(fields, changes.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(row._meta.db_table)} SET {assignments} WHERE id = %s AND attempts = %s",  # noqa: S608  # The names are ours.
            [*values, row.pk, row.attempts],
        )
        is_held: bool = cursor.rowcount > 0
    if is_held:
        for name, value in changes.items():
            setattr(row, name, value)
    return is_held


def extend(row: QueuedRow, *, lease: timedelta) -> bool:
    """Sets the lease to end that long from now, as `update_if_held` does. Returns False if the claim was lost."""
    return update_if_held(row, lease_until=clock.now() + lease)


def update_all_held[R: QueuedRow](rows: Sequence[R], **changes: Any) -> list[R]:  # Any: a column's value.
    """Saves the same changes to several rows of a model, as `update_if_held` does. Returns those still held."""
    held = []
    for group, still_held in _by_token(rows):
        if still_held.update(**changes) == len(group):
            held += group
        else:
            # A lost row may have been released since, with our token again; but it does not have our changes.
            updated = set(still_held.filter(**changes).values_list("pk", flat=True))
            held += [row for row in group if row.pk in updated]
    for row in held:
        for name, value in changes.items():
            setattr(row, name, value)
    return held


def finish(row: QueuedRow, **changes: Any) -> bool:  # Any: a column's value.
    """Saves the outcome and ends the lease. Returns False, saving nothing, if another worker has claimed the row."""
    return update_if_held(row, **{"lease_until": None, "not_before": None} | changes)


def finish_all[R: QueuedRow](rows: Sequence[R], **changes: Any) -> list[R]:  # Any: a column's value.
    """Saves one outcome to several rows of a model, as `finish` does. Returns those that were still held."""
    return update_all_held(rows, **{"lease_until": None, "not_before": None} | changes)


def release_all(rows: Sequence[QueuedRow], **changes: Any) -> None:  # Any: a column's value.
    """Releases rows that were not processed, as if they had not been claimed."""
    for group, still_held in _by_token(rows):
        still_held.update(lease_until=None, attempts=group[0].attempts - 1, **changes)


def _by_token[R: QueuedRow](rows: Sequence[R]) -> Iterator[tuple[list[R], QuerySet[R]]]:
    """Groups the rows by fencing token (mostly one group), each with the query for those still held."""
    for attempts, grouped in groupby(sorted(rows, key=attrgetter("attempts")), key=attrgetter("attempts")):
        group = list(grouped)
        yield group, type(group[0])._base_manager.filter(pk__in=[row.pk for row in group], attempts=attempts)


def lag(rows: QuerySet[Any]) -> timedelta:  # Any: any subclass of QueuedRow.
    """Returns how long the most overdue row has been due; `rows` are waiting rows with `written_at`."""
    first = ready(rows).annotate(due_at=Coalesce(F("not_before"), F("written_at")))
    due_at = first.aggregate(earliest=Min("due_at"))["earliest"]
    return max(clock.now() - due_at, timedelta()) if due_at else timedelta()
