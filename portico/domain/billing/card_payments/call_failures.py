"""Calls to Stripe that failed for good: kept on the attempt, in the log and in the trail, each kind by its own word."""

import logging
from enum import StrEnum

from portico.domain.audit_actions import AuditAction
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


class Cause(StrEnum):
    """What an attempt named that Stripe did not take, and that the next attempt does without."""

    CUSTOMER = "customer"
    DESCRIPTION = "description"
    METADATA = "metadata"


class Superseded(Exception):
    """The attempt is over and nothing was charged; another one without the cause may begin at once.

    It has an idempotency key of its own: to the old one Stripe repeats its refusal for a day.
    """

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


def fail(attempt: PaymentAttempt, trouble: StripeCallFailed, *, failure: AttemptFailure | None = None) -> None:
    """Ends an attempt for which Stripe did nothing. Again, or after a success: changes nothing.

    `failure` is a better word for the reason than the trouble's own.
    """
    details = trouble.details | ({"failure": failure.value, "code": failure.value} if failure else {})
    logger.warning("payment.refused", extra={"attempt": attempt.pk, **details})
    _fail(attempt, _verb_of(trouble), details)


def supersede(attempt: PaymentAttempt, trouble: StripeCallFailed, *, tried: frozenset[Cause]) -> None:
    """Ends the attempt and raises Superseded if another one may do without what was refused; else does nothing."""
    cause = _cause_of(trouble)
    if cause is None or cause in tried:
        return
    logger.warning("payment.begun_again", extra={"attempt": attempt.pk, "without": cause.value, **trouble.details})
    if cause is Cause.CUSTOMER:
        saved_cards.forget_customer(attempt.practice, attempt.stripe_customer_id, by=STRIPE)
    settlement.end(attempt, AttemptState.EXPIRED, reason=trouble.code)
    raise Superseded(cause) from trouble


def refusal_of(trouble: StripeCallFailed) -> Refused:
    """The sentence for the client; nothing was charged."""
    if isinstance(trouble, RateLimited):
        return StripeBusy()
    if isinstance(trouble, StripeUnreachable):
        return StripeNotReachable()
    match trouble.code:
        case "amount_too_small":
            return TooSmall()
        case "amount_too_large":
            return TooLarge()
    return StripeRefused()


def note_trouble(attempt: PaymentAttempt, trouble: StripeCallFailed) -> None:
    """A key that Stripe no longer takes closes paying by card until an owner mends it."""
    match trouble:
        case PermissionMissing():
            found = PaymentProblem.KEY_RESTRICTED
        case InvalidKey():
            found = PaymentProblem.KEY_REFUSED
        case NotSetUp():
            found = PaymentProblem.CHARGES_OFF
        case _:
            return
    payments = payment_readiness.online_payments_of(attempt.practice)
    key = payments.key if payments else None
    if key is not None and (key.livemode, key.account_id) == (attempt.livemode, attempt.stripe_account_id):
        payment_readiness.record_problem(attempt.practice, found, by=STRIPE)


def _cause_of(trouble: StripeCallFailed) -> Cause | None:
    if not isinstance(trouble, RequestRejected) or isinstance(trouble, IdempotencyKeyReused):
        return None
    if isinstance(trouble, ResourceMissing):
        return Cause.CUSTOMER if trouble.is_about("customer") else None
    return next((cause for cause in (Cause.DESCRIPTION, Cause.METADATA) if trouble.is_about(cause)), None)


@retry_on_deadlock
def _fail(attempt: PaymentAttempt, verb: AuditAction, details: dict[str, str]) -> None:
    with locks.lock_books(attempt.client) as held:
        row = PaymentAttempt.objects.get(pk=attempt.pk)
        if not row.holds or row.is_quarantined:
            return
        row.failure, row.failure_param, row.stripe_request_id = (
            details["failure"],
            details["param"],
            details["request"],
        )
        row.save(update_fields=["failure", "failure_param", "stripe_request_id"])
        allocation.end_attempt(row, AttemptState.FAILED, by=STRIPE, reason=details["code"])
        about = {name: details[name] for name in ("failure", "param", "request")}
        settlement.record(verb, held, row.ref, row.amount_minor, by=STRIPE, reason=details["code"], **about)


def _verb_of(trouble: StripeCallFailed) -> AuditAction:
    match trouble:
        case CardDeclined():
            return AuditAction.PAYMENT_DECLINED
        case StripeUnreachable():
            return AuditAction.PAYMENT_NOT_REACHED
    return AuditAction.PAYMENT_REFUSED
