"""What a page of the portal says after a press: named in the address, one of a few words that we know.

Django's own messages live in the staff session, which a client's browser never has.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable

NAME = "said"
CARD_REMOVED = "card-removed"
STRIPE_NOT_REACHED = "stripe-not-reached"
NOT_CHARGED_AGAIN = "not-charged-again"


@dataclass(frozen=True)
class Notice:
    """As Django's messages are, for the one template that shows both."""

    level_tag: str
    words: Promise | str

    def __str__(self) -> str:
        return str(self.words)


KNOWN = {
    CARD_REMOVED: Notice("success", _("The card was removed.")),
    NOT_CHARGED_AGAIN: Notice(
        "info", _("This is the payment that came first. What you chose now was not charged in addition.")
    ),
    STRIPE_NOT_REACHED: Notice("error", StripeNotReachable.message),
}


def url_with_notice(address: str, notice: str) -> HttpResponseRedirect:
    """The page at the address, which then says so."""
    return redirect(f"{address}?{NAME}={notice}")


def notice_of(request: HttpRequest) -> list[Notice]:
    """What the address asks to be said; nothing for any other word."""
    said = KNOWN.get(request.GET.get(NAME, ""))
    return [said] if said else []
