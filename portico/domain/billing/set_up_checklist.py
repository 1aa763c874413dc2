"""The steps by which an owner sets up a new practice, and which of them are done."""

from enum import StrEnum

from django.db.models import QuerySet

from portico.domain.billing.models import ServiceItem
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing.database.compiled import CompiledQuery, CountUpTo, Parameter
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import TAKEN_STATES


class SetUpStep(StrEnum):
    """In the order in which they are listed."""

    DETAILS = "details"
    EMAILS = "emails"
    TEAM = "team"
    SERVICES = "services"
    PAYMENTS = "payments"
    CLIENT = "client"


# An owner may work alone.
OPTIONAL = frozenset({SetUpStep.TEAM})


def open_steps(practice: Practice) -> dict[SetUpStep, bool]:
    """Returns whether each step is done, in one query.

    Empty once all are done that are not optional, or when an owner has closed the list.
    """
    if practice.set_up_closed_at is not None:
        return {}
    ((emails, colleagues, services, clients),) = _numbers.rows(practice=practice.pk)
    done = {
        SetUpStep.DETAILS: bool(practice.phone and practice.postal_address),
        # A mail server that accepted one email has shown that it accepts ours.
        SetUpStep.EMAILS: bool(practice.reply_address and emails),
        SetUpStep.TEAM: colleagues > 1,
        SetUpStep.SERVICES: services > 0,
        SetUpStep.PAYMENTS: practice.takes_cards,
        SetUpStep.CLIENT: clients > 0,
    }
    return {} if all(done[step] for step in done.keys() - OPTIONAL) else done


@CompiledQuery
def _numbers(practice: Parameter) -> QuerySet[Practice, tuple[int, int, int, int]]:
    """Returns the numbers of accepted emails, staff, services and clients, counted as far as a step needs."""
    counts = (
        CountUpTo(OutgoingEmail.objects.filter(practice=practice, state__in=TAKEN_STATES), 1),
        CountUpTo(StaffMember.objects.filter(practice=practice, deactivated_at=None), 2),
        CountUpTo(ServiceItem.objects.filter(practice=practice), 1),
        CountUpTo(Client.objects.filter(practice=practice), 1),
    )
    return Practice.objects.filter(pk=practice).values_list(*counts)
