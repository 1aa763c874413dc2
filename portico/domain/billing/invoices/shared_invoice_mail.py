"""The mail about a new bill: checks whether it may still be sent, and composes it."""

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_grants, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame
from portico.domain.practices.models import Practice
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail


class InvoiceSharedMail(MailComposer):
    label = gettext_lazy("New bill")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Repeats every check that was made when the invoice was shared."""
        access = access_grants.access_or_default(_client_of(email))
        reason = eligibility.reason_to_drop(access, Purpose.BILL_MAIL, written_to=email.content["address"])
        if reason is not None:
            return reason
        invoice = Invoice.objects.get(practice_id=email.practice_id, ref=email.content["invoice"])
        if invoice.is_void or not invoice.is_shared:
            return _("The invoice is no longer shared.")
        return None

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            return mail_frame.letter(email, "invoice_shared", _context(email.practice, _client_of(email).called))


def _client_of(email: OutgoingEmail) -> Client:
    return Client.objects.get(outgoing_emails=email)


def _context(practice: Practice, name: str) -> dict[str, Any]:  # Any: what templates take.
    return {
        "heading": _("You have a new bill"),
        "name": name,
        "portal_address": practice.portal_address,
        "why": _("You got this because you said email is ok."),
    }
