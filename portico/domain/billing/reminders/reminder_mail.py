"""The mail that reminds a mailbox of its unpaid bills: how many, but neither amounts nor what they are for."""

from datetime import date, timedelta

from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_grants, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.billing.reminders import remindable
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail.outbox import ComposedMail, Draft, MailComposer
from portico.plumbing.models import OutgoingEmail

KIND = "reminder"


def draft(bills: list[Invoice], access: PortalAccess, *, key: str, purpose: Purpose, by: Actor) -> Draft | None:
    """Returns the mail about bills of one mailbox; None if its client gets no mail of this purpose.

    `access` belongs to the client of the first bill and is loaded with its account and address.
    """
    address, client = eligibility.mail_address(access, purpose), bills[0].client
    if address is None or access.account is None:
        return None
    language = access.account.language or client.language
    with translation.override(language):
        subject = _("Reminder about your bill from %(practice)s") % {"practice": client.practice.name}
    return {
        "practice": client.practice,
        "kind": KIND,
        "key": key,
        "client": client,
        "to_address": address.address,
        "to_name": client.name,
        "subject": subject,
        "content": {
            "account": access.account.ref,
            "address": address.ref,
            "bills": [bill.ref for bill in bills],
            "day": clock.today(client.practice.time_zone).isoformat(),
            "language": language,
            "purpose": purpose.name,
        },
        "by": by,
    }


class ReminderMail(MailComposer):
    label = gettext_lazy("Reminder")

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Checks again that the client may get it, that a bill in it is still to pay, and that it is not late."""
        if date.fromisoformat(email.content["day"]) < _today(email) - timedelta(days=1):
            return _("It was not sent on its day. Send a new reminder.")
        if _to_pay(email).filter(ref__in=email.content["bills"]).exists():
            return None
        access = access_grants.access_or_default(Client.objects.get(outgoing_emails=email))
        return eligibility.reason_to_drop(
            access, Purpose[email.content["purpose"]], written_to=email.content["address"]
        ) or _("The bill was paid, is being paid, is disputed, or is no longer shared.")

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        number = _to_pay(email).filter(Q(ref__in=email.content["bills"]) | Q(due_on__lt=_today(email))).count()
        with translation.override(email.content["language"]):
            context = {
                "heading": _("A reminder about your bill"),
                "number": number,
                "portal_address": email.practice.portal_address,
                "why": _("You received this because you agreed to emails from us."),
            }
            return mail_frame.letter(email, "reminder", context)


def _to_pay(email: OutgoingEmail) -> InvoiceQuerySet:
    bills = remindable.bills(Purpose[email.content["purpose"]]).filter(practice=email.practice_id)
    return bills.filter(client__portal_access__account__ref=email.content["account"])


def _today(email: OutgoingEmail) -> date:
    return clock.today(email.practice.time_zone)
