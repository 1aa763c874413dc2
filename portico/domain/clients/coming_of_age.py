"""Clients who come of age, and whose guardians' access staff have still to decide about."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from portico.domain.clients.models import Client, ClientQuerySet, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# Staff are asked what happens to a guardian's access this long before the client comes of age.
NOTICE = timedelta(days=30)
# Those who came of age longer ago are no longer listed; their own page still asks.
LISTED_AFTER = timedelta(days=90)
MAX_LISTED = 200


@dataclass(frozen=True)
class BirthDates:
    """The first and the last date of birth of the clients who are listed."""

    first: date
    last: date


def birth_dates(practice: Practice) -> BirthDates:
    """Returns the dates of birth of those who come of age within NOTICE, or did within LISTED_AFTER."""
    today, age = clock.today(practice.time_zone), practice.age_of_majority
    return BirthDates(_years_before(today - LISTED_AFTER, age), _years_before(today + NOTICE, age))


def list_for(practice: Practice) -> list[Relationship]:
    """Returns the guardians to decide about, with client and contact: up to MAX_LISTED, and one more if there are more.

    Those of the oldest client come first.
    """
    born = birth_dates(practice)
    rows = _guardians.rows(practice=practice.pk, born_from=born.first, born_until=born.last)
    for row in rows:
        row.client.practice = practice
    return rows


def to_decide(
    practice: Practice | Parameter, *, born_from: date | Parameter, born_until: date | Parameter
) -> ClientQuerySet:
    """Returns the clients born in that time who have such a guardian."""
    undecided = Relationship.objects.current().guardians().filter(client=OuterRef("pk"), majority_decided_at=None)
    clients = Client.objects.present().filter(practice=practice)
    return clients.filter(Exists(undecided), date_of_birth__gte=born_from, date_of_birth__lte=born_until)


@CompiledQuery
def _guardians(practice: Parameter, born_from: Parameter, born_until: Parameter) -> QuerySet[Relationship]:
    clients = to_decide(practice, born_from=born_from, born_until=born_until)
    rows = Relationship.objects.current().guardians().filter(majority_decided_at=None, client__in=clients.values("pk"))
    ordered = rows.select_related("client", "contact").order_by("client__date_of_birth", "client_id", "id")
    return ordered[: MAX_LISTED + 1]


def _years_before(day: date, years: int) -> date:
    """Returns the same day so many years before; of February 29, the 28th where the year has none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
