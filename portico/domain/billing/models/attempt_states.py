"""States and failures of payment attempts."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AttemptState(TextChoices):
    """Open and processing attempts are polled at Stripe, quarantined ones wait for staff, all others are final."""

    # As far as we know, the client has not confirmed on Stripe's or the bank's page: the invoice is still Unpaid.
    OPEN = "open", _("Started")
    # Money may have moved.
    PROCESSING = "processing", _("Processing")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Declined")
    EXPIRED = "expired", _("Canceled")
    RELEASED = "released", _("Released")
    # Stripe reports another amount, currency or mode than ours.
    QUARANTINED = "quarantined", _("Doesn’t match")


# In these states the attempt holds its invoices: no other attempt can pay them.
STATES_HOLDING_INVOICES = (AttemptState.OPEN, AttemptState.PROCESSING, AttemptState.QUARANTINED)
# In these states money may have moved: the invoice is shown as Processing.
STATES_IN_PROGRESS = (AttemptState.PROCESSING, AttemptState.QUARANTINED)


class AttemptFailure(TextChoices):
    """The failures of calls to Stripe: the values of `gateways.stripe.errors.Failure`, and a wrong server clock."""

    DECLINED = "declined", _("Card declined")
    REFUSED = "refused", _("Stripe refused the request")
    UNREACHABLE = "unreachable", _("Stripe could not be reached")
    RATE_LIMITED = "rate_limited", _("Stripe is limiting requests")
    KEY_REFUSED = "key_refused", _("Stripe did not accept the key")
    PERMISSION = "permission", _("The Stripe key lacks a permission")
    ACCOUNT_CLOSED = "account_closed", _("Charges are disabled for the Stripe account")
    NO_ANSWER = "no_answer", _("Stripe didn’t answer")
    SERVER_CLOCK = "server_clock", _("Card payment not started: the server’s clock is wrong")


# Stripe refused the call without effect, and will refuse it again until the setup or the request changes.
REFUSALS = (
    AttemptFailure.REFUSED,
    AttemptFailure.KEY_REFUSED,
    AttemptFailure.PERMISSION,
    AttemptFailure.ACCOUNT_CLOSED,
)
