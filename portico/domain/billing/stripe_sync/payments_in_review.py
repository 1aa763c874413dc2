"""Card payments that staff should review: mismatched, unknown or rejected attempts, requested refunds, disputes."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

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
from portico.domain.billing.stripe_sync import manual_release
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.compiled import CountUpTo, Parameter

# Most outcomes are known after seconds; an attempt is shown only when its outcome takes longer than this.
REVIEW_AFTER = timedelta(minutes=10)
# How long a rejected payment or refund is shown if it is not tried again.
REFUSAL_SHOWN_FOR = timedelta(days=30)


# Of each kind.
MAX_COUNTED = 100


def attempts_in_review(
    practice: Practice | Parameter, *, unknown_until: datetime | Parameter | None = None
) -> RowQuerySet[PaymentAttempt]:
    """Returns attempts that do not match or whose outcome has been unknown for 24 hours: staff have to check Stripe."""
    for_a_day = Q(unknown_since__lte=unknown_until or clock.now() - manual_release.RELEASE_AFTER)
    return _in_progress(practice).filter(Q(state=AttemptState.QUARANTINED) | for_a_day)


def attempts_polled(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Returns attempts whose outcome takes longer than usual, but not yet 24 hours: staff only need to wait."""
    rows = _in_progress(practice).filter(state=AttemptState.PROCESSING)
    return rows.filter(
        unknown_since__gt=clock.now() - manual_release.RELEASE_AFTER, unknown_since__lte=clock.now() - REVIEW_AFTER
    )


def attempts_refused(
    practice: Practice | Parameter, *, since: datetime | Parameter | None = None
) -> RowQuerySet[PaymentAttempt]:
    """Returns attempts that Stripe rejected lately, whose client has not tried again and still owes the amount."""
    later = PaymentAttempt.objects.filter(client=OuterRef("client"), account=OuterRef("account"), pk__gt=OuterRef("pk"))
    owed = AttemptInvoice.objects.filter(attempt=OuterRef("pk"), invoice__voided_at=None, invoice__open_minor__gt=0)
    rows = PaymentAttempt.objects.filter(
        practice=practice, failure__in=REFUSALS, ended_at__gt=since or clock.now() - REFUSAL_SHOWN_FOR
    )
    return rows.filter(~Exists(later), Exists(owed)).order_by("id")


def all_attempts(practice: Practice) -> RowQuerySet[PaymentAttempt]:
    """Returns the attempts of the three kinds above, in one query."""
    kinds = [
        rows.order_by().values("pk")
        for rows in (attempts_in_review(practice), attempts_polled(practice), attempts_refused(practice))
    ]
    return PaymentAttempt.objects.filter(pk__in=kinds[0].union(*kinds[1:], all=True)).order_by("id")


def refunds_requested(practice: Practice | Parameter) -> PaymentQuerySet:
    """Returns payments to refund, because they arrived twice or when nothing was due."""
    return (
        Payment.objects.filter(practice=practice)
        .not_taken_back()
        .filter(refund_requested_at__isnull=False)
        .order_by("id")
    )


def refunds_refused(
    practice: Practice | Parameter, *, since: datetime | Parameter | None = None
) -> RowQuerySet[Refund]:
    """Returns refunds that Stripe rejected lately and that were not tried again."""
    later = Refund.objects.filter(payment=OuterRef("payment"), pk__gt=OuterRef("pk"))
    failed = Refund.objects.filter(
        practice=practice, state=RefundState.FAILED, settled_at__gt=since or clock.now() - REFUSAL_SHOWN_FOR
    )
    never_taken = failed.filter(method=RefundMethod.STRIPE, stripe_refund_id="")
    return never_taken.filter(~Exists(later), payment__taken_back_at=None).order_by("id")


def open_disputes(practice: Practice | Parameter) -> RowQuerySet[Dispute]:
    return Dispute.objects.filter(practice=practice, state=DisputeState.OPEN).order_by("id")


def bounds() -> dict[str, datetime]:
    """Returns the times that `counts` takes, as of now."""
    now = clock.now()
    return {"unknown_until": now - manual_release.RELEASE_AFTER, "refused_since": now - REFUSAL_SHOWN_FOR}


def counts(
    practice: Practice | Parameter, *, unknown_until: datetime | Parameter, refused_since: datetime | Parameter
) -> list[CountUpTo]:
    """Counts the rows that staff must act on, at most MAX_COUNTED of each kind. Each kind has a partial index."""
    kinds: tuple[QuerySet[Any], ...] = (  # Any: rows of several models.
        attempts_in_review(practice, unknown_until=unknown_until),
        attempts_refused(practice, since=refused_since),
        refunds_requested(practice),
        refunds_refused(practice, since=refused_since),
        open_disputes(practice),
    )
    return [CountUpTo(rows.order_by(), MAX_COUNTED) for rows in kinds]


def _in_progress(practice: Practice | Parameter) -> RowQuerySet[PaymentAttempt]:
    return PaymentAttempt.objects.filter(practice=practice, state__in=STATES_IN_PROGRESS).order_by("id")
