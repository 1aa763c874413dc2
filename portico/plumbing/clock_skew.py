"""Clock skew: differences between this installation's clock and others, measured and stored."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError
from django.db.models import BigIntegerField, Subquery, Value
from django.db.models.functions import Coalesce

from portico.plumbing import clock
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.models.clock_skew import ClockDifference

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OtherClock:
    """Another system's clock, with which ours is compared whenever that system tells its time."""

    source: str

    def record(self, other_time: datetime) -> None:
        """Stores the difference if the clocks disagree. Uses no query while they agree.

        `other_time` is the other clock's current time. Database errors are ignored: the response that brought the
        time matters more.
        """
        ahead = clock.now() - other_time
        if abs(ahead) > clock.SKEW:
            seconds = int(ahead.total_seconds())
            logger.warning("clock.wrong", extra={"source": self.source, "ahead_seconds": seconds})
            with suppress(DatabaseError, InterfaceError):
                ClockDifference.objects.bulk_create(
                    [ClockDifference(source=self.source, ahead_seconds=seconds)],
                    update_conflicts=True,
                    unique_fields=["source"],
                    update_fields=["ahead_seconds", "measured_at"],
                )

    def compare(self, other_time: datetime) -> None:
        """Stores the difference if the clocks disagree, else deletes the stored one."""
        if abs(clock.now() - other_time) > clock.SKEW:
            self.record(other_time)
        else:
            self.clear()

    def clear(self) -> None:
        """Deletes the stored difference: it is gone, or can no longer be measured."""
        self._rows().delete()

    def known_difference(self) -> timedelta:
        """Returns how far our clock is ahead, as last measured; negative if it is slow, zero if the clocks agree."""
        return timedelta(seconds=self._rows().values_list("ahead_seconds", flat=True).first() or 0)

    def ahead_seconds_in_query(self) -> Coalesce:
        """Returns the same in whole seconds, as an expression to annotate a query with."""
        seconds = Subquery(self._rows().values("ahead_seconds")[:1])
        return Coalesce(seconds, Value(0), output_field=BigIntegerField())

    def _rows(self) -> RowQuerySet[ClockDifference]:
        return ClockDifference.objects.filter(source=self.source)
