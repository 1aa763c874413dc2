"""What billing refuses, in sentences for the person who asked."""

from django.utils.translation import gettext_lazy as _

from portico.plumbing.refusals import Refused


class InvoiceIssued(Refused):
    message = _("This invoice has been issued and is not edited any more. Void it and write a new one.")


class InvoiceNotIssued(Refused):
    message = _("This invoice is still a draft. Issue it first.")


class InvoiceVoid(Refused):
    message = _("This invoice is void. Nothing more can be done with it.")


class InvoiceEmpty(Refused):
    message = _("An invoice needs at least one line before it can be issued.")
    status = 422


class TotalNotPositive(Refused):
    message = _("The lines must come to more than nothing. A line may be negative, the total may not.")
    status = 422


class InvoicePaid(Refused):
    message = _("There is nothing left to pay on this invoice.")


class BeingPaid(Refused):
    """An attempt is open on it that has not moved money as far as is known: it can be ended first."""

    message = _("The client has started a payment for this invoice. Try again in a moment.")


class Processing(Refused):
    """Money may have moved: nobody may touch the invoice until Stripe has said so, or staff released the attempt."""

    message = _("A card payment for this invoice is being processed. Wait until its outcome is known.")


class PaidByCard(Refused):
    message = _("This invoice has been paid by card in the portal, so the client keeps seeing it.")


class AmountNotPositive(Refused):
    message = _("The amount must be more than nothing.")
    status = 422


class BeyondWhatIsLeft(Refused):
    message = _("That is more than is left of this payment.")
    status = 422


class HasRefunds(Refused):
    message = _("Part of this payment was refunded already, so it cannot be taken back.")


class TakenBack(Refused):
    message = _("This payment was taken back already.")


class ChargedOnline(Refused):
    message = _("This card was charged online. Refund it instead.")


class RecordedByHand(Refused):
    message = _("This payment was recorded by hand. Give the money back by hand and record it here.")


class WrongCurrency(Refused):
    message = _("The practice keeps its books in one currency.")
    status = 422


class ReasonMissing(Refused):
    message = _("Say why. It stays on record.")
    status = 422
