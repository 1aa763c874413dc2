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
HOLDING = (AttemptState.OPEN, AttemptState.PROCESSING, AttemptState.QUARANTINED)
# In these money may have moved: the invoice is told as Processing.
MOVING = (AttemptState.PROCESSING, AttemptState.QUARANTINED)
