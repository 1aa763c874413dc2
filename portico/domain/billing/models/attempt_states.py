"""How a try to pay stands."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AttemptState(TextChoices):
    """Open and processing ones are asked about; quarantined ones wait for staff; the rest is over."""

    # Nobody has pressed pay on the bank's or Stripe's page, as far as we know: the invoice is still Unpaid.
    OPEN = "open", _("Started")
    # Money may have moved.
    PROCESSING = "processing", _("Processing")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Declined")
    EXPIRED = "expired", _("Given up")
    RELEASED = "released", _("Released")
    # Stripe's amount, currency or mode is not ours.
    QUARANTINED = "quarantined", _("Does not match")


# While in one of these, the attempt holds its invoices.
STATES_HOLDING_INVOICES = (AttemptState.OPEN, AttemptState.PROCESSING, AttemptState.QUARANTINED)
# In these money may have moved: the invoice is told as Processing.
STATES_IN_PROGRESS = (AttemptState.PROCESSING, AttemptState.QUARANTINED)


class AttemptFailure(TextChoices):
    """How a call to Stripe failed: the words of `gateways.stripe.errors.Failure`, and our own clock."""

    DECLINED = "declined", _("Card declined")
    REFUSED = "refused", _("Stripe refused the request")
    UNREACHABLE = "unreachable", _("Stripe could not be reached")
    RATE_LIMITED = "rate_limited", _("Stripe took no more requests for a moment")
    KEY_REFUSED = "key_refused", _("Stripe did not accept the key")
    PERMISSION = "permission", _("The Stripe key lacks a permission")
    ACCOUNT_CLOSED = "account_closed", _("The Stripe account may not charge")
    NO_ANSWER = "no_answer", _("Stripe gave no answer")
    SERVER_CLOCK = "server_clock", _("Card payment not started: this server’s clock is wrong")


# Stripe answered and did nothing, and will do nothing next time unless somebody changes something.
REFUSALS = (
    AttemptFailure.REFUSED,
    AttemptFailure.KEY_REFUSED,
    AttemptFailure.PERMISSION,
    AttemptFailure.ACCOUNT_CLOSED,
)
