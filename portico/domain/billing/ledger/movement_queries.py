"""How movements are asked for: all kinds in one query, by day or added up by period."""

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
from portico.plumbing.text import times


class MovementKind(IntEnum):
    """The kinds, in the order in which they stand within a day: what is owed, what settles it, what went back."""

    INVOICE = 0
    CREDIT = 1
    PAYMENT = 2
    REFUND = 3
    CREDIT_NOTE = 4
    DISPUTE = 5

    def sums(self, amount_minor: int) -> Sums:
        """The amount in the sum that it belongs to."""
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
    """Days of the practice, both ends included; None leaves that end open."""

    begins_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, order=True)
class Movement:
    """One change of the balance; `pk` is the id of its row. Ordered as a statement lists them."""

    on: date
    kind: MovementKind
    pk: int
    amount_minor: int

    @property
    def sums(self) -> Sums:
        return self.kind.sums(self.amount_minor)


@dataclass(frozen=True)
class Total:
    """The sums of a period, and the day of the first movement in it, None if there is none."""

    sums: Sums
    first_on: date | None


@dataclass(frozen=True)
class Source:
    """Where movements of one kind are read: the rows, and in which columns amount, id and day or instant are.

    Amounts of one kind and id are added up: a negative one takes something off a row of another source.
    """

    kind: MovementKind
    rows: QuerySet[Any]  # Any: whichever table.
    amount: Combinable
    pk: str = "pk"
    day: str = ""
    at: str = ""

    def within(self, period: Period, zone: ZoneInfo) -> Q:
        """Compares instants with the practice's midnights, so that the database needs to know no time zones."""
        asked, column = Q(), self.day or self.at
        if period.begins_on is not None:
            asked &= Q((f"{column}__gte", self._start(period.begins_on, zone)))
        if period.ends_on is not None:
            asked &= Q((f"{column}__lt", self._start(period.ends_on + timedelta(days=1), zone)))
        return asked

    @property
    def columns(self) -> dict[str, Combinable]:
        """Of the day and the instant one is NULL."""
        return {
            "kind_of": Value(int(self.kind), IntegerField()),
            "row": F(self.pk),
            "amount": self.amount,
            "on_day": F(self.day) if self.day else Cast(Value(None), DateField()),
            "at_instant": F(self.at) if self.at else Cast(Value(None), DateTimeField()),
        }

    def _start(self, day: date, zone: ZoneInfo) -> date | datetime:
        return day if self.day else datetime.combine(day, time.min, tzinfo=zone)


@dataclass(frozen=True)
class Movements:
    """The movements of a client or of a whole practice. Each method is one query."""

    sources: tuple[Source, ...]
    zone: ZoneInfo

    def within(self, period: Period) -> list[Movement]:
        """Every movement of the period, in order, without those that come to nothing."""
        asked = [
            source.rows.filter(source.within(period, self.zone)).order_by().values_list(*source.columns.values())
            for source in self.sources
        ]
        found = Counter[tuple[date, MovementKind, int]]()
        for kind, pk, amount, day, at in asked[0].union(*asked[1:], all=True):
            found[self._day(day, at), MovementKind(kind), pk] += amount
        return sorted(Movement(*key, amount) for key, amount in found.items() if amount)

    def total(self, period: Period) -> Total:
        """The sums of one period, with the day on which it begins to count."""
        sums, first_on = Sums(), None
        for kind, day, at, amount in self._added_up([period]):
            if amount is None:
                continue
            sums += kind.sums(amount)
            on = self._day(day, at)
            first_on = on if first_on is None else min(first_on, on)
        return Total(sums, first_on)

    def sums(self, periods: Sequence[Period]) -> list[Sums]:
        """The sums of each period. The periods follow each other."""
        found = [Sums() for _period in periods]
        for kind, _day, _at, *amounts in self._added_up(periods):
            for number, amount in enumerate(amounts):
                found[number] += kind.sums(amount or 0)
        return found

    def _added_up(self, periods: Sequence[Period]) -> list[tuple[Any, ...]]:  # Any: kind, first day or instant, sums.
        whole = Period(periods[0].begins_on, periods[-1].ends_on)
        asked = []
        for source in self.sources:
            columns = source.columns
            firsts = {"first_day": Min(columns["on_day"]), "first_at": Min(columns["at_instant"])}
            sums = {
                f"sum_{number}": Sum(source.amount, filter=source.within(period, self.zone))
                for number, period in enumerate(periods)
            }
            rows = source.rows.filter(source.within(whole, self.zone)).order_by().values(kind_of=columns["kind_of"])
            asked.append(rows.annotate(**firsts, **sums).values_list("kind_of", *firsts, *sums))
        return [(MovementKind(kind), *others) for kind, *others in asked[0].union(*asked[1:], all=True)]

    def _day(self, day: date | None, at: datetime | None) -> date:
        return times.day_of(at, self.zone) if at is not None else cast(date, day)
