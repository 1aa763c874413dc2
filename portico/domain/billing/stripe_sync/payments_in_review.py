"""Which payments by card staff should look at: Stripe says something else than was asked for, or nothing for a day, or
refused the request; what waits to be given back; what a card's owner disputes."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q

from portico.domain.billing.models import (
    REFUSALS,
    STATES_IN_PROGRESS,
    AttemptInvoice,
    AttemptState,
    Dispute,
    DisputeState,
    Payment,
    PaymentAttempt,
    Refund,
    RefundMethod,
    RefundState,
)
from portico.domain.billing.models.payments import PaymentQuerySet
from portico.domain.billing.stripe_sync import attempt_release
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.base_models import RowQuerySet

# Until then nobody wonders: most are known after seconds.
REVIEW_AFTER = timedelta(minutes=10)
# A refusal that nobody came back to is no longer shown after that.
LATELY = timedelta(days=30)


def attempts_in_review(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Not matching, or unknown for a day: somebody has to find out at Stripe."""
    for_a_day = Q(unknown_since__lte=clock.now() - attempt_release.AFTER)
    return _moving(practice).filter(Q(state=AttemptState.QUARANTINED) | for_a_day)


def attempts_polled(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Unknown for longer than usual, and not yet for a day: nothing is to be done but wait."""
    rows = _moving(practice).filter(state=AttemptState.PROCESSING)
    return rows.filter(
        unknown_since__gt=clock.now() - attempt_release.AFTER, unknown_since__lte=clock.now() - REVIEW_AFTER
    )


def refused(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Stripe refused the request lately, the client has not tried since, and there is still something to pay."""
    later = PaymentAttempt.objects.filter(client=OuterRef("client"), account=OuterRef("account"), pk__gt=OuterRef("pk"))
    owed = AttemptInvoice.objects.filter(attempt=OuterRef("pk"), invoice__voided_at=None, invoice__open_minor__gt=0)
    rows = PaymentAttempt.objects.filter(practice=practice, failure__in=REFUSALS, ended_at__gt=clock.now() - LATELY)
    return rows.filter(~Exists(later), Exists(owed)).order_by("id")


def attempts(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """All of the three kinds above, in one query."""
    kinds = [
        rows.order_by().values("pk")
        for rows in (attempts_in_review(practice), attempts_polled(practice), refused(practice))
    ]
    return PaymentAttempt.objects.filter(pk__in=kinds[0].union(*kinds[1:], all=True)).order_by("id")


def refunds_requested(practice: Practice) -> PaymentQuerySet:
    """Money that came when there was nothing to pay, or twice."""
    return Payment.objects.filter(practice=practice).counting().filter(refund_asked_at__isnull=False).order_by("id")


def refunds_refused(practice: Practice) -> RowQuerySet[Refund]:
    """Stripe refused to send money back lately, and nobody has tried to send it since."""
    later = Refund.objects.filter(payment=OuterRef("payment"), pk__gt=OuterRef("pk"))
    failed = Refund.objects.filter(practice=practice, state=RefundState.FAILED, settled_at__gt=clock.now() - LATELY)
    never_taken = failed.filter(way=RefundMethod.STRIPE, stripe_refund_id="")
    return never_taken.filter(~Exists(later), payment__taken_back_at=None).order_by("id")


def open_disputes(practice: Practice) -> RowQuerySet[Dispute]:
    return Dispute.objects.filter(practice=practice, state=DisputeState.OPEN).order_by("id")


def count(practice: Practice) -> int:
    """How many staff have something to do about, in one query; each part has its own index of the few it is about."""
    others = (refused(practice), refunds_requested(practice), refunds_refused(practice), open_disputes(practice))
    parts = [rows.order_by().values_list("pk") for rows in others]
    return attempts_in_review(practice).order_by().values_list("pk").union(*parts, all=True).count()


def _moving(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.filter(practice=practice, state__in=STATES_IN_PROGRESS).order_by("id")
