"""Refusals of card payments and refunds, with the sentences shown to clients and staff."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused


class CardsTurnedOff(Refused):
    message = _("Paying by card is turned off for this account. Call the practice to pay another way.")


class BooksBeingChecked(Refused):
    """The data were restored from a backup and not yet reconciled with Stripe."""

    message = _("We’re checking payments at the moment. Please try again later.")


class TooSmall(Refused):
    message = _("This amount is too small for a card payment. Call the practice to pay another way.")


class TooLarge(Refused):
    message = _("This amount is too large for a card payment. Call the practice to pay another way.")


class BetweenSteps(Refused):
    """Stripe charges this currency in steps, and the amount is not a multiple of the step."""

    def __init__(self, step: str) -> None:
        text = _("A card can only be charged in steps of %(step)s. Call the practice to pay this amount another way.")
        super().__init__(text % {"step": step})


class CurrencyNotTaken(Refused):
    message = _("Cards can’t be charged in this currency. Call the practice to pay another way.")


class NothingToPay(Refused):
    message = _("There is nothing left to pay.")


class AmountChanged(Refused):
    """The amount due is no longer the one shown on the page. `is_less`: an earlier payment may explain it."""

    message = _("The amount has changed since you opened this page. Please check it. Nothing was charged.")

    def __init__(self, *, is_less: bool) -> None:
        super().__init__()
        self.is_less = is_less


class CardNotFound(Refused):
    message = _("This card is no longer saved. Choose another one. Nothing was charged.")


class StripeNotReachable(Refused):
    """No call reached Stripe, so nothing was charged."""

    message = _("We can’t reach Stripe at the moment. Nothing was charged. Please start again in a minute.")


class StripeBusy(StripeNotReachable):
    """Stripe's rate limit for the practice's account is exceeded."""

    message = _("We’re handling too many payments at the moment. Nothing was charged. Please start again in a minute.")


class StripeRefused(Refused):
    message = _("Stripe didn’t accept this payment. Nothing was charged. Call the practice to pay another way.")


class ServerClockWrong(Refused):
    """The Checkout page would have expired too early or too late by Stripe's clock."""

    message = _(
        "We couldn’t start this payment because of a problem on our side. Nothing was charged. Call the practice "
        "to pay another way."
    )


class RefundRefused(Refused):
    message = _("Stripe declined this refund. No money has moved. Check the payment in Stripe’s dashboard.")


class RefundBetweenSteps(Refused):
    """Stripe refunds this currency in steps, as it charges it, and the amount is not a multiple of the step."""

    status = 422

    def __init__(self, step: str) -> None:
        text = _("Stripe can only refund multiples of %(step)s. Enter another amount.")
        super().__init__(text % {"step": step}, field="amount")


class CannotBeReleased(Refused):
    """The outcome has not been unknown for long enough."""

    def __init__(self, wait: timedelta) -> None:
        text = _(
            "Stripe hasn’t confirmed this payment yet. You can release it %(time)s after it started. Until then, "
            "check it in Stripe."
        )
        super().__init__(text % {"time": rendering.duration(wait)})
