"""What is known of a payment by card that staff should look at: what was asked for, what Stripe says, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from portico.domain.billing.models import Dispute, PaymentAttempt
from portico.domain.billing.online import releasing
from portico.plumbing import money

STRIPE = "https://dashboard.stripe.com/"


@dataclass(frozen=True)
class Doubt:
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


def of(attempt: PaymentAttempt) -> Doubt:
    """Wants `covers` with their invoices."""
    return Doubt(
        attempt=attempt,
        heading=_("It does not match") if attempt.is_quarantined else _("The outcome is not known"),
        invoices=_numbers(each.invoice.number for each in attempt.covers.all()),
        asked=_amount(attempt.amount_minor, attempt.currency, livemode=attempt.livemode),
        said=_said(attempt),
        since=attempt.unknown_since,
        at_stripe=payment_at_stripe(attempt.payment_intent_id, livemode=attempt.livemode),
        possible_from=releasing.possible_from(attempt),
        may_be_released=releasing.may_be_released(attempt),
    )


def payment_at_stripe(intent: str, *, livemode: bool) -> str:
    """The address of the payment in Stripe's own dashboard; without an id, of the dashboard."""
    door = STRIPE if livemode else f"{STRIPE}test/"
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
    words = {"amount": money.written(minor, currency, language="en"), "currency": currency}
    if livemode:
        return _("%(amount)s (%(currency)s), live") % words
    return _("%(amount)s (%(currency)s), test mode") % words


def _numbers(numbers: Iterable[int | None]) -> str:
    return ", ".join(str(number) for number in numbers)
