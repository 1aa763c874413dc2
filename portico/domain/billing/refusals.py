"""The reasons for which billing refuses an operation, each with its message for the user."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from portico.plumbing.mail import rendering
from portico.plumbing.refusals import Refused


class InvoiceIssued(Refused):
    message = _("This invoice has been issued and can’t be edited. Void it and create a new one.")


class InvoiceNotIssued(Refused):
    message = _("This invoice is still a draft. Issue it first.")


class InvoiceVoid(Refused):
    message = _("This invoice is void and can’t be changed.")


class InvoiceEmpty(Refused):
    message = _("Add at least one item before you issue the invoice.")
    status = 422


class TotalNotPositive(Refused):
    message = _("The total must be more than zero. An item can be negative, the total can’t.")
    status = 422


class InvoicePaid(Refused):
    message = _("Nothing is due on this invoice.")


class BeingPaid(Refused):
    """A payment attempt is open on the invoice; as far as is known it has moved no money, so it can be canceled."""

    message = _("The client has started a payment for this invoice. Try again in a moment.")


class Processing(Refused):
    """Money may have moved: the invoice is locked until Stripe reports the outcome or staff release the attempt."""

    message = _("A card payment for this invoice is being processed. Wait until it has completed.")


class PaymentDisputed(Refused):
    """A card payment of the invoice is disputed or was lost in a dispute: reminders leave it out."""

    message = _(
        "No reminder is sent about this invoice, because its card payment was disputed. Contact the client yourself."
    )


class PaidByCard(Refused):
    message = _("This invoice was paid by card in the portal, so it can’t be hidden from the client.")


class AmountNotPositive(Refused):
    message = _("Enter an amount greater than zero.")
    status = 422


class ExceedsInvoice(Refused):
    """More than the balance due would be applied to the invoice with this ref; a form has the field `invoice_<ref>`."""

    message = _("Enter an amount up to %(amount)s.")
    status = 422

    def __init__(self, ref: str, balance_due: str) -> None:
        super().__init__(self.message % {"amount": balance_due}, field=f"invoice_{ref}")


class ExceedsPayment(Refused):
    message = _("You applied more to invoices than the payment comes to. Check the amounts.")
    status = 422


class UndoExpired(Refused):
    status = 403

    def __init__(self, period: timedelta) -> None:
        text = _(
            "A payment can be undone for %(time)s by the person who recorded it. Ask an owner or biller to void it."
        )
        super().__init__(text % {"time": rendering.duration(period)})


class ExceedsRefundableAmount(Refused):
    message = _("That is more than the amount left of this payment. Enter a smaller amount.")
    status = 422


class HasRefunds(Refused):
    message = _("Part of this payment has been refunded, so it can’t be voided.")


class TakenBack(Refused):
    message = _("This payment has already been voided.")


class ChargedOnline(Refused):
    message = _("This card was charged online. Refund it instead.")


class RecordedByHand(Refused):
    message = _("This payment was recorded by hand. Return the money yourself and record it here.")


class ReasonMissing(Refused):
    message = _("Enter a reason. It stays on record.")
    status = 422
