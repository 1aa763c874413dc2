"""The mail that says a bill is there: whether it may still leave, and how it reads."""

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.billing import reaching
from portico.domain.billing.models import Invoice
from portico.domain.billing.reaching import Obstacle
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing.emails import Composer, Letter
from portico.plumbing.models import OutgoingEmail

OBSTACLES = {
    Obstacle.ARCHIVED: gettext_lazy("The client was archived."),
    Obstacle.NO_ACCESS: gettext_lazy("Client Portal Access was turned off."),
    Obstacle.NO_ADDRESS: gettext_lazy("The client’s email address was changed."),
    Obstacle.NO_BILLING_DOCUMENTS: gettext_lazy("Access billing documents was turned off."),
    Obstacle.NO_EMAIL_OK: gettext_lazy("Email ok was withdrawn for this address."),
    Obstacle.MAIL_STOPPED: gettext_lazy("The last email to this address was refused."),
}


class InvoiceSharedMail(Composer):
    label = gettext_lazy("New bill")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Asks everything anew that was asked when the invoice was shared."""
        client = _client_of(email)
        reach = reaching.of(client)
        if not reach.is_mailable or reach.address is None:
            return str(OBSTACLES[reach.mail])
        if reach.address.ref != email.content["address"]:
            return _("The client’s email address was changed.")
        invoice = Invoice.objects.get(practice_id=email.practice_id, ref=email.content["invoice"])
        if invoice.is_void or not invoice.is_shared:
            return _("The invoice is no longer shared.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> Letter:
        with translation.override(email.content["language"]):
            return mail_frame.letter(email, "invoice_shared", _words(email.practice, _client_of(email).called))


def _client_of(email: OutgoingEmail) -> Client:
    return Client.objects.get(outgoing_emails=email)


def _words(practice: Practice, name: str) -> dict[str, Any]:  # Any: what templates take.
    return {
        "heading": _("You have a new bill"),
        "name": name,
        "portal_address": practice.portal_address,
        "why": _("You got this because you said email is ok."),
    }
