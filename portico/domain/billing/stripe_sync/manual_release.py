"""Releasing payment attempts whose outcome has been unknown, or does not match, for 24 hours."""

from datetime import datetime, timedelta

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.card_payments.payment_refusals import CannotBeReleased
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import AttemptState, PaymentAttempt
from portico.domain.billing.refusals import ReasonMissing
from portico.domain.billing.shown_sums import ShownSums
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock

RELEASE_AFTER = timedelta(hours=24)


def releasable_from(attempt: PaymentAttempt) -> datetime | None:
    """Returns the time from which staff may release the attempt; None if its outcome is not in doubt."""
    return attempt.unknown_since + RELEASE_AFTER if attempt.is_moving and attempt.unknown_since is not None else None


def may_be_released(attempt: PaymentAttempt) -> bool:
    since = releasable_from(attempt)
    return since is not None and clock.now() >= since


@retry_on_deadlock
def release(attempt: PaymentAttempt, *, reason: str, shown: ShownSums | None, by: Actor) -> PaymentAttempt:
    """Frees the attempt's invoices; money that still arrives becomes credit, flagged for a refund.

    Idempotent. Raises CannotBeReleased, ReasonMissing, ShownSumsChanged.
    """
    with locks.lock_books(attempt.client) as client:
        row = PaymentAttempt.objects.get(pk=attempt.pk)
        if row.state == AttemptState.RELEASED:
            return row
        if not may_be_released(row):
            raise CannotBeReleased(RELEASE_AFTER)
        if not reason.strip():
            raise ReasonMissing(field="reason")
        shown_sums.refuse_if_changed(shown, shown_sums.of_attempt(row))
        row = allocation.end_attempt(row, AttemptState.RELEASED, by=by, reason=reason.strip())
        audit_entries.record_amount(
            AuditAction.PAYMENT_RELEASED, client, row.ref, row.amount_minor, by=by, reason=row.reason
        )
    return row
