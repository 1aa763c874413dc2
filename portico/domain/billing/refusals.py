"""The reasons for which billing refuses an operation, each with its message for the user."""

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
    """A payment attempt is open on the invoice; as far as is known it has moved no money, so it can be cancelled."""

    message = _("The client has started a payment for this invoice. Try again in a moment.")


class Processing(Refused):
    """Money may have moved: the invoice is locked until Stripe reports the outcome or staff release the attempt."""

    message = _("A card payment for this invoice is being processed. Wait until its outcome is known.")


class PaidByCard(Refused):
    message = _("This invoice has been paid by card in the portal, so the client keeps seeing it.")


class AmountNotPositive(Refused):
    message = _("The amount must be more than nothing.")
    status = 422


class ExceedsRefundableAmount(Refused):
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


class ReasonMissing(Refused):
    message = _("Say why. It stays on record.")
    status = 422
