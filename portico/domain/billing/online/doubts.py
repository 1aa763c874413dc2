"""Which payments by card staff should look at: Stripe says something else than was asked for, or nothing for a day;
what waits to be given back; what a card's owner disputes."""

from datetime import timedelta

from django.db.models import Q

from portico.domain.billing.models import (
    MOVING,
    AttemptState,
    Dispute,
    DisputeState,
    Payment,
    PaymentAttempt,
)
from portico.domain.billing.models.payments import PaymentQuerySet
from portico.domain.billing.online import releasing
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.rows import RowQuerySet

# Until then nobody wonders: most are known after seconds.
QUIET = timedelta(minutes=10)


def in_doubt(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Not matching, or unknown for a day: somebody has to find out at Stripe."""
    for_a_day = Q(unknown_since__lte=clock.now() - releasing.AFTER)
    return _moving(practice).filter(Q(state=AttemptState.QUARANTINED) | for_a_day)


def still_asked(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Unknown for longer than usual, and not yet for a day: nothing is to be done but wait."""
    rows = _moving(practice).filter(state=AttemptState.PROCESSING)
    return rows.filter(unknown_since__gt=clock.now() - releasing.AFTER, unknown_since__lte=clock.now() - QUIET)


def refunds_asked(practice: Practice) -> PaymentQuerySet:
    """Money that came when there was nothing to pay, or twice."""
    return Payment.objects.filter(practice=practice).counting().filter(refund_asked_at__isnull=False).order_by("id")


def disputed(practice: Practice) -> RowQuerySet[Dispute]:
    return Dispute.objects.filter(practice=practice, state=DisputeState.OPEN).order_by("id")


def count(practice: Practice) -> int:
    """How many staff have something to do about, in one query; each part has its own index of the few it is about."""
    parts = [rows.order_by().values_list("pk") for rows in (refunds_asked(practice), disputed(practice))]
    return in_doubt(practice).order_by().values_list("pk").union(*parts, all=True).count()


def _moving(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.filter(practice=practice, state__in=MOVING).order_by("id")
