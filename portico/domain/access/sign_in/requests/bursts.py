"""Bursts of sign-in requests, mails over the hourly limit and wrong PINs: recording, updating and listing them.

A burst is counted again every minute and ends after a quiet hour.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portico.domain.access.models import Burst, BurstKind, SignInRequest
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter

HOUR = timedelta(hours=1)
# This many requests for sign-in links within an hour are a burst.
REQUESTS_PER_BURST = 40
RETENTION = timedelta(days=30)


def record_mail_cap(practice: Practice) -> None:
    """Records that a sign-in mail was not sent because the practice's hourly limit is used up."""
    _increment(practice, BurstKind.CAP)


def record_wrong_pins(practice: Practice) -> None:
    """Records a wrong PIN beyond the number that is normal within an hour."""
    _increment(practice, BurstKind.PINS)


def ongoing(practice: Practice) -> list[Burst]:
    """Returns the practice's current bursts, oldest first: at most one of each kind."""
    return _ongoing.rows(practice=practice.pk)


@CompiledQuery
def _ongoing(practice: Parameter) -> QuerySet[Burst]:
    return Burst.objects.ongoing().filter(practice=practice).order_by("id")


def past(practice: Practice, *, limit: int) -> list[Burst]:
    """Returns the practice's bursts that have ended and are not deleted yet, newest first."""
    return list(Burst.objects.filter(practice=practice, over_at__isnull=False).order_by("-id")[:limit])


def update() -> int:
    """Counts the requests of the last hour and ends bursts that are over. Returns the number of current bursts.

    A scheduled task.
    """
    now = clock.now()
    busy = []
    for practice, number, from_one_network in _busy_practices():
        _save_count(practice, number=number, from_one_network=from_one_network)
        busy.append(practice.pk)
    current = Burst.objects.ongoing()
    current.filter(kind=BurstKind.REQUESTS).exclude(practice_id__in=busy).update(over_at=now)
    current.exclude(kind=BurstKind.REQUESTS).filter(clock.not_within("counted_at", HOUR)).update(over_at=now)
    return current.count()


def delete_old() -> int:
    """Deletes bursts that ended more than a month ago; a scheduled task. Returns their number."""
    return Burst.objects.filter(clock.not_within("over_at", RETENTION)).delete()[0]


def _increment(practice: Practice, kind: BurstKind) -> None:
    current = Burst.objects.ongoing().filter(practice=practice, kind=kind)
    if not current.update(number=F("number") + 1, counted_at=clock.now()):
        _start(Burst(practice=practice, kind=kind, number=1))


def _save_count(practice: Practice, *, number: int, from_one_network: int) -> None:
    current = Burst.objects.ongoing().filter(practice=practice, kind=BurstKind.REQUESTS)
    if not current.update(number=number, from_one_network=from_one_network, counted_at=clock.now()):
        _start(Burst(practice=practice, kind=BurstKind.REQUESTS, number=number, from_one_network=from_one_network))


def _start(burst: Burst) -> None:
    # If two start at once, a unique constraint keeps one; the other would add only its count of one.
    Burst.objects.bulk_create([burst], ignore_conflicts=True)


def _busy_practices() -> Iterator[tuple[Practice, int, int]]:
    """Yields each busy practice with its requests of the last hour, and those from its most frequent network.

    Counts practice by practice, so that the index on practice and time is used: requests are kept for a month.
    """
    recent = SignInRequest.objects.filter(clock.within("written_at", HOUR))
    of_practice = recent.filter(practice_id=OuterRef("pk")).order_by().values("practice_id")
    number = Subquery(of_practice.annotate(n=Count("id")).values("n"), output_field=IntegerField())
    for practice in Practice.objects.annotate(requests=Coalesce(number, 0)).filter(requests__gte=REQUESTS_PER_BURST):
        networks = recent.filter(practice=practice).order_by().values("network").annotate(n=Count("id"))
        highest = networks.order_by("-n").values_list("n", flat=True).first()
        yield practice, practice.requests, highest or 0
