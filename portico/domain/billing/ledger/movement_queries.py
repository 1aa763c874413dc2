"""Queries of movements: all kinds in one query, either listed by day or summed by period."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db.models import (
    DateField,
    DateTimeField,
    F,
    IntegerField,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from portico.domain.billing.account_sums import Sums
from portico.plumbing.text import time_formatting


class MovementKind(IntEnum):
    """The kinds of movement, in their order within a day: invoices, then what settles them, then what was returned."""

    INVOICE = 0
    CREDIT = 1
    PAYMENT = 2
    REFUND = 3
    CREDIT_NOTE = 4
    DISPUTE = 5

    def sums(self, amount_minor: int) -> Sums:
        """Returns the amount in the sum that this kind belongs to."""
        match self:
            case MovementKind.INVOICE:
                return Sums(invoiced_minor=amount_minor)
            case MovementKind.PAYMENT:
                return Sums(paid_minor=amount_minor)
            case MovementKind.REFUND:
                return Sums(refunded_minor=amount_minor)
            case MovementKind.DISPUTE:
                return Sums(adjusted_minor=amount_minor)
            case _:
                return Sums(adjusted_minor=-amount_minor)


@dataclass(frozen=True)
class Period:
    """A range of days in the practice's time zone, both ends included; None leaves that end open."""

    begins_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, order=True)
class Movement:
    """One change of the balance; `pk` is the id of its row. Sorts in the order of a statement."""

    on: date
    kind: MovementKind
    pk: int
    amount_minor: int

    @property
    def sums(self) -> Sums:
        return self.kind.sums(self.amount_minor)


@dataclass(frozen=True)
class Total:
    """The sums of a period and the day of its first movement, None if it has none."""

    sums: Sums
    first_on: date | None


@dataclass(frozen=True)
class MovementSource:
    """The rows to read movements of one kind from, and the columns of their amount, id and day or time.

    Amounts with the same kind, id and day are summed: a negative amount reduces a row of another source.
    """

    kind: MovementKind
    rows: QuerySet[Any]  # Any: one of several models.
    amount: Combinable
    pk: str = "pk"
    day: str = ""
    at: str = ""

    def within(self, period: Period, zone: ZoneInfo) -> Q:
        """Returns the condition of the period.

        Compares times with the practice's midnights, so that the database needs no time zone data.
        """
        condition, column = Q(), self.day or self.at
        if period.begins_on is not None:
            condition &= Q((f"{column}__gte", self._start(period.begins_on, zone)))
        if period.ends_on is not None:
            condition &= Q((f"{column}__lt", self._start(period.ends_on + timedelta(days=1), zone)))
        return condition

    @property
    def columns(self) -> dict[str, Combinable]:
        """The selected columns; either the day or the time is NULL."""
        return {
            "kind_of": Value(int(self.kind), IntegerField()),
            "row": F(self.pk),
            "amount": self.amount,
            "on_day": F(self.day) if self.day else Cast(Value(None), DateField()),
            "at_time": F(self.at) if self.at else Cast(Value(None), DateTimeField()),
        }

    def _start(self, day: date, zone: ZoneInfo) -> date | datetime:
        return day if self.day else datetime.combine(day, time.min, tzinfo=zone)


@dataclass(frozen=True)
class Movements:
    """The movements of a client or of a whole practice. Each method runs one query."""

    sources: tuple[MovementSource, ...]
    zone: ZoneInfo

    def within(self, period: Period) -> list[Movement]:
        """Returns the movements of the period in order, without those whose amounts sum to zero."""
        queries = [
            source.rows.filter(source.within(period, self.zone)).order_by().values_list(*source.columns.values())
            for source in self.sources
        ]
        found = Counter[tuple[date, MovementKind, int]]()
        for kind, pk, amount, day, at in queries[0].union(*queries[1:], all=True):
            found[self._day(day, at), MovementKind(kind), pk] += amount
        return sorted(Movement(*key, amount) for key, amount in found.items() if amount)

    def total(self, period: Period) -> Total:
        """Returns the sums of one period, with the day of its first movement."""
        sums, first_on = Sums(), None
        for kind, day, at, amount in self._aggregate([period]):
            if amount is None:
                continue
            sums += kind.sums(amount)
            on = self._day(day, at)
            first_on = on if first_on is None else min(first_on, on)
        return Total(sums, first_on)

    def sums(self, periods: Sequence[Period]) -> list[Sums]:
        """Returns the sums of each period. The periods must be consecutive."""
        found = [Sums() for _period in periods]
        for kind, _day, _at, *amounts in self._aggregate(periods):
            for number, amount in enumerate(amounts):
                found[number] += kind.sums(amount or 0)
        return found

    def _aggregate(self, periods: Sequence[Period]) -> list[tuple[Any, ...]]:  # Any: kind, first day, first time, sums.
        whole = Period(periods[0].begins_on, periods[-1].ends_on)
        queries = []
        for source in self.sources:
            columns = source.columns
            firsts = {"first_day": Min(columns["on_day"]), "first_at": Min(columns["at_time"])}
            sums = {
                f"sum_{number}": Sum(source.amount, filter=source.within(period, self.zone))
                for number, period in enumerate(periods)
            }
            rows = source.rows.filter(source.within(whole, self.zone)).order_by().values(kind_of=columns["kind_of"])
            queries.append(rows.annotate(**firsts, **sums).values_list("kind_of", *firsts, *sums))
        return [(MovementKind(kind), *others) for kind, *others in queries[0].union(*queries[1:], all=True)]

    def _day(self, day: date | None, at: datetime | None) -> date:
        return time_formatting.day_of(at, self.zone) if at is not None else cast(date, day)
