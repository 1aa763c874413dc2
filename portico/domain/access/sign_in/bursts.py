"""Storms at the entrance: begun, counted again every minute, and over when an hour was quiet."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce

from portico.domain.access.models import Burst, BurstKind, SignInRequest
from portico.domain.practices.models import Practice
from portico.plumbing import clock

HOUR = timedelta(hours=1)
# So many asks for sign-in links in an hour are told to staff.
REQUESTS_PER_BURST = 40
RETENTION = timedelta(days=30)


def record_mail_cap(practice: Practice) -> None:
    """A sign-in mail was not sent because the practice's hourly limit is used up."""
    _one_more(practice, BurstKind.CAP)


def record_wrong_pins(practice: Practice) -> None:
    """A wrong PIN beyond those that an hour may bring without anybody being told."""
    _one_more(practice, BurstKind.PINS)


def ongoing(practice: Practice) -> list[Burst]:
    """What goes on now, the oldest first: at most one of each kind."""
    return list(Burst.objects.lasting().filter(practice=practice).order_by("id"))


def past(practice: Practice, *, most: int) -> list[Burst]:
    """What is over and not forgotten, the newest first."""
    return list(Burst.objects.filter(practice=practice, over_at__isnull=False).order_by("-id")[:most])


def update() -> int:
    """Counts the asks of the last hour and ends what is over; upkeep calls it. Returns how many bursts last."""
    now = clock.now()
    busy = []
    for practice, number, from_one_place in _busy_practices():
        _count(practice, number=number, from_one_place=from_one_place)
        busy.append(practice.pk)
    going_on = Burst.objects.lasting()
    going_on.filter(kind=BurstKind.ASKS).exclude(practice_id__in=busy).update(over_at=now)
    going_on.exclude(kind=BurstKind.ASKS).filter(clock.not_within("counted_at", HOUR)).update(over_at=now)
    return going_on.count()


def delete_old() -> int:
    """Deletes what was over a month ago; upkeep calls it. Returns how many."""
    return Burst.objects.filter(clock.not_within("over_at", RETENTION)).delete()[0]


def _one_more(practice: Practice, kind: BurstKind) -> None:
    mine = Burst.objects.lasting().filter(practice=practice, kind=kind)
    if not mine.update(number=F("number") + 1, counted_at=clock.now()):
        _begin(Burst(practice=practice, kind=kind, number=1))


def _count(practice: Practice, *, number: int, from_one_place: int) -> None:
    mine = Burst.objects.lasting().filter(practice=practice, kind=BurstKind.ASKS)
    if not mine.update(number=number, from_one_place=from_one_place, counted_at=clock.now()):
        _begin(Burst(practice=practice, kind=BurstKind.ASKS, number=number, from_one_place=from_one_place))


def _begin(burst: Burst) -> None:
    # Two at once: the database keeps one, and the other has nothing to add but its one.
    Burst.objects.bulk_create([burst], ignore_conflicts=True)


def _busy_practices() -> Iterator[tuple[Practice, int, int]]:
    """Each with its asks of the last hour, and those of the place that most came from.

    Counted practice by practice, which the index by time answers; asks are kept for a month.
    """
    lately = SignInRequest.objects.filter(clock.within("written_at", HOUR))
    of_practice = lately.filter(practice_id=OuterRef("pk")).order_by().values("practice_id")
    number = Subquery(of_practice.annotate(n=Count("id")).values("n"), output_field=IntegerField())
    for practice in Practice.objects.annotate(asks=Coalesce(number, 0)).filter(asks__gte=REQUESTS_PER_BURST):
        places = lately.filter(practice=practice).order_by().values("network").annotate(n=Count("id"))
        most = places.order_by("-n").values_list("n", flat=True).first()
        yield practice, practice.asks, most or 0
