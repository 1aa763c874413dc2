"""Refusals of card payments and refunds, with the sentences shown to clients and staff."""

from django.utils.translation import gettext_lazy as _

from portico.plumbing.refusals import Refused


class CardsTurnedOff(Refused):
    message = _("Paying by card is turned off for this account. Call the practice to pay another way.")


class BooksBeingChecked(Refused):
    """The data were restored from a backup and not yet reconciled with Stripe."""

    message = _("Payments are being checked at the moment. Please try again later.")


class TooSmall(Refused):
    message = _("This amount is too small to be paid by card. Call the practice to pay another way.")


class TooLarge(Refused):
    message = _("This amount is too large to be paid by card at once. Call the practice to pay another way.")


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

    message = _("The amount has changed since you opened this page. Please look at it again. Nothing was charged.")

    def __init__(self, *, is_less: bool) -> None:
        super().__init__()
        self.is_less = is_less


class CardNotFound(Refused):
    message = _("This card is no longer saved. Choose another one. Nothing was charged.")


class StripeNotReachable(Refused):
    """No call reached Stripe, so nothing was charged."""

    message = _("Stripe can’t be reached at the moment. Nothing was charged. Please start again in a minute.")


class StripeBusy(StripeNotReachable):
    """Stripe's rate limit for the practice's account is exceeded."""

    message = _("Too many payments are being made at this moment. Nothing was charged. Please start again in a minute.")


class StripeRefused(Refused):
    message = _("Stripe did not take this payment. Nothing was charged. Call the practice to pay another way.")


class ServerClockWrong(Refused):
    """The Checkout page would have expired too early or too late by Stripe's clock."""

    message = _(
        "This payment could not be started because of a problem on our side. Nothing was charged. "
        "Call the practice to pay another way."
    )


class RefundRefused(Refused):
    message = _("Stripe did not take this refund. No money has moved. Look at the payment in Stripe’s dashboard.")


class RefundBetweenSteps(Refused):
    """Stripe refunds this currency in steps, as it charges it, and the amount is not a multiple of the step."""

    status = 422

    def __init__(self, step: str) -> None:
        text = _("Stripe can only send back amounts in steps of %(step)s. Type another amount.")
        super().__init__(text % {"step": step}, field="amount")


class CannotBeReleased(Refused):
    """The outcome has not been unknown for long enough."""

    message = _("Its outcome is not unknown for a day yet. Wait, or look at Stripe.")
