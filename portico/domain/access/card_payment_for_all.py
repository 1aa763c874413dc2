"""The option to pay by card over all clients of a practice: how many have it, and turning it on for all."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.models.accounts import PortalAccessQuerySet
from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock

BATCH_SIZE = 500


@dataclass(frozen=True)
class CardPayers:
    """The number of clients who see their bills in the portal, and how many of these may pay them by card."""

    able: int
    total: int


def count(practice: Practice) -> CardPayers:
    """Counts the practice's clients with access to their bills."""
    numbers = _with_bills(practice).aggregate(able=Count("pk", filter=Q(pay_by_card=True)), total=Count("pk"))
    return CardPayers(**numbers)


def turn_on_for_all(practice: Practice, *, by: Actor) -> int:
    """Lets all clients who see their bills pay by card, in batches. Returns the number of those who could not before.

    Clients without access, and those who see no bills, keep what they have. A repeated call changes nothing.
    """
    number = 0
    while turned_on := _turn_on_next(practice, by=by):
        number += turned_on
    return number


@retry_on_deadlock
def _turn_on_next(practice: Practice, *, by: Actor) -> int:
    with transaction.atomic():
        rows = _with_bills(practice).filter(pay_by_card=False).select_related("client")
        accesses = list(rows.locked().order_by("id")[:BATCH_SIZE])
        changed = PortalAccess.objects.filter(pk__in=[access.pk for access in accesses])
        changed.update(pay_by_card=True, version=F("version") + 1)
        audit_log.record_all(
            audit_log.entry(
                AuditAction.OPTIONS_CHANGED, practice=practice, client=access.client, by=by, pay_by_card=True
            )
            for access in accesses
        )
    return len(accesses)


def _with_bills(practice: Practice) -> PortalAccessQuerySet:
    return PortalAccess.objects.filter(practice=practice).eligible(Purpose.BILLS)
