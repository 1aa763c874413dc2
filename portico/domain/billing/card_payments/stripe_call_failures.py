"""Permanent failures of calls to Stripe: recorded on the attempt, in the log and in the audit log."""

import logging
from enum import StrEnum

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries
from portico.domain.billing.card_payments import saved_cards, settlement
from portico.domain.billing.card_payments.payment_refusals import (
    StripeBusy,
    StripeNotReachable,
    StripeRefused,
    TooLarge,
    TooSmall,
)
from portico.domain.billing.card_payments.settlement import STRIPE
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import AttemptFailure, AttemptState, PaymentAttempt
from portico.domain.practices.models import PaymentProblem
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe.errors import (
    CardDeclined,
    IdempotencyKeyReused,
    InvalidKey,
    NotSetUp,
    PermissionMissing,
    RateLimited,
    RequestRejected,
    ResourceMissing,
    StripeCallFailed,
    StripeUnreachable,
)
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused

logger = logging.getLogger(__name__)


class RejectedPart(StrEnum):
    """A part of the request that Stripe rejected and that the next attempt leaves out."""

    CUSTOMER = "customer"
    DESCRIPTION = "description"
    METADATA = "metadata"


class Superseded(Exception):
    """The attempt has ended without a charge; a new one that leaves out the cause may start at once.

    The new attempt needs its own idempotency key, because Stripe repeats a rejection of the old one for 24 hours.
    """

    def __init__(self, cause: RejectedPart) -> None:
        super().__init__(cause.value)
        self.cause = cause


def fail(attempt: PaymentAttempt, error: StripeCallFailed, *, failure: AttemptFailure | None = None) -> None:
    """Ends an attempt for which Stripe did nothing. Idempotent, and without effect after a success.

    `failure` overrides the failure and code that the error itself reports.
    """
    details = error.details | ({"failure": failure.value, "code": failure.value} if failure else {})
    logger.warning("payment.refused", extra={"attempt": attempt.pk, **details})
    _record_failure(attempt, _action_for(error), details)


def supersede(attempt: PaymentAttempt, error: StripeCallFailed, *, avoided: frozenset[RejectedPart]) -> None:
    """Ends the attempt and raises Superseded if a new one can leave out what was rejected; otherwise does nothing.

    `avoided` are the causes that the attempt had left out already.
    """
    cause = _cause_of(error)
    if cause is None or cause in avoided:
        return
    logger.warning("payment.restarted", extra={"attempt": attempt.pk, "without": cause.value, **error.details})
    if cause is RejectedPart.CUSTOMER:
        saved_cards.mark_customer_deleted(attempt.practice, attempt.stripe_customer_id, by=STRIPE)
    settlement.end(attempt, AttemptState.EXPIRED, reason=error.code)
    raise Superseded(cause) from error


def refusal_of(error: StripeCallFailed) -> Refused:
    """Returns the refusal to show to the client; nothing was charged."""
    if isinstance(error, RateLimited):
        return StripeBusy()
    if isinstance(error, StripeUnreachable):
        return StripeNotReachable()
    match error.code:
        case "amount_too_small":
            return TooSmall()
        case "amount_too_large":
            return TooLarge()
    return StripeRefused()


def record_key_problem(attempt: PaymentAttempt, error: StripeCallFailed) -> None:
    """Turns card payments off until an owner fixes the key, if the error says that Stripe rejects the current key."""
    match error:
        case PermissionMissing():
            found = PaymentProblem.KEY_RESTRICTED
        case InvalidKey():
            found = PaymentProblem.KEY_REFUSED
        case NotSetUp():
            found = PaymentProblem.CHARGES_OFF
        case _:
            return
    key = payment_readiness.current_key(attempt.practice)
    if key is not None and (key.livemode, key.account_id) == (attempt.livemode, attempt.stripe_account_id):
        payment_readiness.record_problem(attempt.practice, found, by=STRIPE)


def _cause_of(error: StripeCallFailed) -> RejectedPart | None:
    if not isinstance(error, RequestRejected) or isinstance(error, IdempotencyKeyReused):
        return None
    if isinstance(error, ResourceMissing):
        return RejectedPart.CUSTOMER if error.is_about("customer") else None
    return next((cause for cause in (RejectedPart.DESCRIPTION, RejectedPart.METADATA) if error.is_about(cause)), None)


@retry_on_deadlock
def _record_failure(attempt: PaymentAttempt, action: AuditAction, details: dict[str, str]) -> None:
    with locks.lock_books(attempt.client) as client:
        row = PaymentAttempt.objects.get(pk=attempt.pk)
        if not row.holds_invoices or row.is_quarantined:
            return
        row.failure, row.failure_param, row.stripe_request_id = (
            details["failure"],
            details["param"],
            details["request"],
        )
        row.save(update_fields=["failure", "failure_param", "stripe_request_id"])
        allocation.end_attempt(row, AttemptState.FAILED, by=STRIPE, reason=details["code"])
        about = {name: details[name] for name in ("failure", "param", "request")}
        audit_entries.record_amount(
            action, client, row.ref, row.amount_minor, by=STRIPE, reason=details["code"], **about
        )


def _action_for(error: StripeCallFailed) -> AuditAction:
    match error:
        case CardDeclined():
            return AuditAction.PAYMENT_DECLINED
        case StripeUnreachable():
            return AuditAction.PAYMENT_NOT_REACHED
    return AuditAction.PAYMENT_REFUSED
