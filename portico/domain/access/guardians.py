"""Guardians of minors: whether one is needed for an invitation, and about whom staff must decide."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccess
from portico.domain.clients import coming_of_age, contacts
from portico.domain.clients.models import Client, Relationship, RelationshipKind
from portico.plumbing import clock


def is_needed(access: PortalAccess) -> bool:
    """Returns True if the access is a minor's own, and no contact is their guardian. Queries only for minors."""
    client = access.client
    if not access.is_own or not client.is_minor_on(clock.today(client.practice.time_zone)):
        return False
    return not contacts.has_guardian(client)


def lacking(accesses: Iterable[PortalAccess]) -> set[int]:
    """Returns the ids of the clients for whose own access `is_needed` holds. Queries only if one is a minor."""
    minors = {
        each.client.pk
        for each in accesses
        if each.is_own and each.client.is_minor_on(clock.today(each.client.practice.time_zone))
    }
    if not minors:
        return set()
    guarded = Relationship.objects.current().guardians().filter(client__in=minors)
    return minors - set(guarded.values_list("client_id", flat=True))


def instruction(client: Client) -> str:
    """Returns what staff must do before a minor is invited."""
    names = {"name": client.called, "age": client.practice.age_of_majority}
    return _("%(name)s is under %(age)s. Add a guardian in Contacts first.") % names


def to_decide(client: Client, relationships: list[Relationship]) -> list[Relationship]:
    """Returns the guardians about whose access staff must decide: the client comes of age soon, or has."""
    comes_of_age_on = client.comes_of_age_on
    if comes_of_age_on is None or comes_of_age_on - coming_of_age.NOTICE > clock.today(client.practice.time_zone):
        return []
    return [
        each for each in relationships if each.kind == RelationshipKind.GUARDIAN and each.majority_decided_at is None
    ]
