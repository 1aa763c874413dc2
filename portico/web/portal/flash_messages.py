"""Notices after a redirect in the portal, named by a query parameter.

Django's messages are stored in the staff session, which clients do not have.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable

PARAMETER = "said"
CARD_REMOVED = "card-removed"
STRIPE_NOT_REACHED = "stripe-not-reached"
NOT_CHARGED_AGAIN = "not-charged-again"
DOCUMENT_COMPLETED = "document-completed"
DOCUMENT_DECLINED = "document-declined"
DOCUMENT_UPDATED = "document-updated"
QUESTION_ADDED = "question-added"


@dataclass(frozen=True)
class Notice:
    """Has the interface of a Django message, because one template renders both."""

    level_tag: str
    text: Promise | str

    def __str__(self) -> str:
        return str(self.text)


# Above a form that was posted after its session had ended.
NOT_SENT_YET = Notice(
    "info", _("You were signed out, and nothing has been sent yet. Check what you wrote and send it again.")
)
KNOWN = {
    QUESTION_ADDED: Notice("info", _("Your answer added a question to this page.")),
    DOCUMENT_UPDATED: Notice("info", _("This document was updated. Check your answers.")),
    DOCUMENT_COMPLETED: Notice("success", _("Done. Here is the next document.")),
    DOCUMENT_DECLINED: Notice("info", _("You declined this document. The practice can see that.")),
    CARD_REMOVED: Notice("success", _("The card was removed.")),
    NOT_CHARGED_AGAIN: Notice("info", _("This is the payment you started first. We didn’t charge you again.")),
    STRIPE_NOT_REACHED: Notice("error", StripeNotReachable.message),
}


def redirect_with_notice(url: str, notice: str) -> HttpResponseRedirect:
    """Redirects to the page, which then shows the notice."""
    return redirect(f"{url}{'&' if '?' in url else '?'}{PARAMETER}={notice}")


def with_notice_of(request: HttpRequest, url: str) -> str:
    """Returns the address with the notice that this page was to show, for a page that leads on."""
    name = request.GET.get(PARAMETER, "")
    return f"{url}?{PARAMETER}={name}" if name in KNOWN else url


def notice_of(request: HttpRequest) -> list[Notice]:
    """Returns the notice named in the URL as a list; empty for an unknown name."""
    notice = KNOWN.get(request.GET.get(PARAMETER, ""))
    return [notice] if notice else []
