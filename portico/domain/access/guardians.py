"""Guardians of minors: whether one is needed for an invitation, and which clients come of age."""

from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccess
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock

# Staff are asked what becomes of a guardian's access this long before the client comes of age.
NOTICE = timedelta(days=30)


def is_needed(access: PortalAccess) -> bool:
    """Returns True if the access is a minor's own, and no contact is their guardian. Queries only for minors."""
    client = access.client
    if not access.is_own or not client.is_minor_on(clock.today(client.practice.time_zone)):
        return False
    return not contacts.has_guardian(client)


def instruction(client: Client) -> str:
    """Returns what staff must do before a minor is invited."""
    names = {"name": client.called, "age": client.practice.age_of_majority}
    return _("%(name)s is under %(age)s. Add a guardian in Contacts first.") % names


def to_decide(client: Client, relationships: list[Relationship]) -> list[Relationship]:
    """Returns the guardians about whose access staff must decide: the client comes of age within NOTICE, or has."""
    comes_of_age_on = client.comes_of_age_on
    if comes_of_age_on is None or comes_of_age_on - NOTICE > clock.today(client.practice.time_zone):
        return []
    return [each for each in relationships if each.kind == "guardian" and each.majority_decided_at is None]


def coming_of_age(practice: Practice) -> QuerySet[Relationship]:
    """Returns the current guardians of unarchived clients about whose access staff must decide, the oldest first."""
    today = clock.today(practice.time_zone) + NOTICE
    born_by = _years_before(today, practice.age_of_majority)
    rows = Relationship.objects.current().guardians().filter(practice=practice, majority_decided_at=None)
    rows = rows.filter(client__date_of_birth__lte=born_by, client__is_archived=False)
    return rows.select_related("client", "contact").order_by("client__date_of_birth", "id")


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        # February 29, in a year without one.
        return day.replace(year=day.year - years, day=28)
