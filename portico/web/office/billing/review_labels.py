"""What is known of a payment by card that staff should look at: what was asked for, what Stripe says, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portico.domain.billing.models import REFUSALS, AttemptFailure, Dispute, PaymentAttempt
from portico.domain.billing.stripe_sync import attempt_release
from portico.plumbing.text import money

STRIPE = "https://dashboard.stripe.com/"


@dataclass(frozen=True)
class PaymentInReview:
    """`said` is empty when Stripe has said nothing; `at_stripe` leads to the payment there, or to Stripe's door."""

    attempt: PaymentAttempt
    heading: str
    invoices: str
    asked: str
    said: str
    since: datetime | None
    at_stripe: str
    possible_from: datetime | None
    may_be_released: bool
    refusal: "Refusal | None" = None

    @property
    def is_for_staff(self) -> bool:
        """Not matching, or unknown for a day."""
        return self.attempt.is_quarantined or self.may_be_released


@dataclass(frozen=True)
class Refusal:
    """Why Stripe did not take a payment: in words, by its code and parameter, and where Stripe's log has it."""

    words: str
    code: str
    param: str
    request: str
    log: str
    advice: str


def payment_in_review(attempt: PaymentAttempt) -> PaymentInReview:
    """Wants `covers` with their invoices."""
    return PaymentInReview(
        attempt=attempt,
        heading=_("It does not match") if attempt.is_quarantined else _("The outcome is not known"),
        invoices=_numbers(each.invoice.number for each in attempt.covers.all()),
        asked=_amount(attempt.amount_minor, attempt.currency, livemode=attempt.livemode),
        said=_said(attempt),
        since=attempt.unknown_since,
        at_stripe=payment_at_stripe(attempt.payment_intent_id, livemode=attempt.livemode),
        possible_from=attempt_release.releasable_from(attempt),
        may_be_released=attempt_release.may_be_released(attempt),
        refusal=_refusal(attempt),
    )


def _refusal(attempt: PaymentAttempt) -> Refusal | None:
    if attempt.failure not in REFUSALS:
        return None
    request = attempt.stripe_request_id
    return Refusal(
        words=str(AttemptFailure(attempt.failure).label),
        code=attempt.reason,
        param=attempt.failure_param,
        request=request,
        log=f"{_door(livemode=attempt.livemode)}logs/{request}" if request else "",
        advice=_advice(AttemptFailure(attempt.failure)),
    )


def _advice(failure: AttemptFailure) -> str:
    match failure:
        case AttemptFailure.KEY_REFUSED:
            return _("An owner enters the new key under Settings, Online Payments.")
        case AttemptFailure.PERMISSION:
            return _("An owner gives the restricted key more permissions at Stripe, or enters a secret key.")
        case AttemptFailure.ACCOUNT_CLOSED:
            return _("Stripe says in its dashboard what the account still lacks.")
    return _("Look the request up in Stripe’s log, or take the payment another way.")


def _door(*, livemode: bool) -> str:
    return STRIPE if livemode else f"{STRIPE}test/"


def payment_at_stripe(intent: str, *, livemode: bool) -> str:
    """The address of the payment in Stripe's own dashboard; without an id, of the dashboard."""
    door = _door(livemode=livemode)
    return f"{door}payments/{intent}" if intent else f"{door}payments"


def of_dispute(dispute: Dispute) -> str:
    """Where the dispute is answered: in Stripe's dashboard."""
    return payment_at_stripe(dispute.payment.payment_intent_id, livemode=dispute.payment.livemode)


def _said(attempt: PaymentAttempt) -> str:
    if attempt.found_minor is None:
        return ""
    return _amount(attempt.found_minor, attempt.found_currency, livemode=bool(attempt.found_livemode))


def _amount(minor: int, currency: str, *, livemode: bool) -> str:
    """$140.00 (USD), live."""
    words = {"amount": money.formatted(minor, currency, language="en"), "currency": currency}
    if livemode:
        return _("%(amount)s (%(currency)s), live") % words
    return _("%(amount)s (%(currency)s), test mode") % words


def _numbers(numbers: Iterable[int | None]) -> str:
    return ", ".join(str(number) for number in numbers)
