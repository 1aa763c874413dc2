"""The receipt of a payment and the mail about a refund: an amount and a link, nothing about a visit."""

from abc import abstractmethod
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_grants, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.billing.models import Payment, Refund
from portico.domain.clients.models import Client
from portico.domain.practices import mail_frame
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text import money, times

RECEIPT = "receipt"
REFUND = "refund"


def send(payment: Payment, *, by: Actor) -> OutgoingEmail | None:
    """Queues the receipt of a payment once, in the caller's transaction. Returns None if mail is not allowed."""
    with translation.override(payment.client.language):
        subject = _("Your receipt from %(practice)s") % {"practice": payment.client.practice.name}
    return _queue(payment.client, RECEIPT, payment.ref, subject, by=by)


def send_refund(refund: Refund, *, by: Actor) -> OutgoingEmail | None:
    """Queues the mail about a refund, under the same conditions as `send`."""
    client = refund.payment.client
    with translation.override(client.language):
        subject = _("Your refund from %(practice)s") % {"practice": client.practice.name}
    return _queue(client, REFUND, refund.ref, subject, by=by)


def _queue(client: Client, kind: str, ref: str, subject: str, *, by: Actor) -> OutgoingEmail | None:
    address = eligibility.mail_address(access_grants.access_of(client), Purpose.BILL_MAIL)
    if address is None:
        return None
    return outbox.queue(
        practice=client.practice,
        kind=kind,
        key=f"{kind}:{ref}",
        to_address=address.address,
        to_name=client.name,
        subject=subject,
        content={"about": ref, "address": address.ref, "language": client.language},
        by=by,
        client=client,
    )


class _MoneyMail(MailComposer):
    """A mail about money, sent under the conditions of a bill mail."""

    template = ""

    def refuse(self, email: OutgoingEmail) -> str | None:
        access = access_grants.access_or_default(_client_of(email))
        return eligibility.reason_to_drop(access, Purpose.BILL_MAIL, written_to=email.content["address"])

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            context = {
                "name": _client_of(email).called,
                "portal_address": email.practice.portal_address,
                "why": _("You got this because you said email is ok."),
            }
            return mail_frame.letter(email, self.template, context | self.context(email))

    @abstractmethod
    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        """Returns the template context of this kind of mail, in addition to the shared one."""


class ReceiptMail(_MoneyMail):
    label = gettext_lazy("Receipt")
    template = "receipt"

    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        payment = Payment.objects.get(practice_id=email.practice_id, ref=email.content["about"])
        return {
            "heading": _("Thank you. Your payment has arrived"),
            "payment": payment,
            "day": times.full_day(payment.received_on, email.content["language"]),
            "amount": money.formatted(payment.amount_minor, payment.currency, language=email.content["language"]),
            "card": _card(payment),
        }


class RefundMail(_MoneyMail):
    label = gettext_lazy("Refund")
    template = "refund"

    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        refund = Refund.objects.select_related("payment").get(practice_id=email.practice_id, ref=email.content["about"])
        return {
            "heading": _("Money is on its way back to you"),
            "amount": money.formatted(refund.amount_minor, refund.currency, language=email.content["language"]),
            "card": _card(refund.payment),
        }


def _card(payment: Payment) -> str:
    """Returns for example "Visa ending 4242"; an empty string if no card is known."""
    if not payment.card_last4:
        return ""
    brand = payment.card_brand.replace("_", " ").title()
    return _("%(brand)s ending %(last4)s") % {"brand": brand, "last4": payment.card_last4}


def _client_of(email: OutgoingEmail) -> Client:
    return Client.objects.get(outgoing_emails=email)
