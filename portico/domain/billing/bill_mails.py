"""Mails about bills and money: a link and nothing about a visit, sent only while the client may receive them."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portico.domain.access import access_lookups, eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import mail_links
from portico.domain.access.sign_in.mail_links import LinkedMail
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.models import Invoice, Payment, PaymentKind, Refund
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices import mail_frame
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import ComposedMail, MailComposer
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.text import money, time_formatting

NEW_BILL = bill_mail_texts.NEW_BILL
RECEIPT = bill_mail_texts.RECEIPT
REFUND = "refund"


def send_new_bill(invoice: Invoice, access: PortalAccess, *, occasion: str | int, by: Actor) -> OutgoingEmail | None:
    """Queues the mail about a shared invoice, once for each occasion, in the caller's transaction.

    Its sign-in link leads to the invoice; the caller has locked the account. It has neither the amount nor what the
    bill is for. Returns None if mail is not allowed.
    """
    client, nonce = invoice.client, tokens.new_nonce()
    text = bill_mail_texts.text_for(client, NEW_BILL, access)
    key = f"{NEW_BILL}:{invoice.ref}:{occasion}"
    if access.relationship is not None:
        key = f"{key}:{access.relationship.ref}"
    content = {
        "invoice": invoice.ref,
        "goes_to": f"{client.practice.portal_path}billing/{invoice.ref}/",
        "message": text.message,
    }
    email = _queue(client, access, NEW_BILL, key, text.subject, content=content, by=by, link_nonce=nonce)
    # Another nonce: the mail of this occasion was queued before, and has its link.
    if email is not None and bytes(email.link_nonce or b"") == nonce:
        mail_links.create([(email, access)])
    return email


def send_new_bill_to_all(
    invoice: Invoice, own: PortalAccess, *, occasion: str | int, by: Actor
) -> OutgoingEmail | None:
    """Queues that mail to the client and to each contact who may get it; the caller has locked all their accounts.

    Returns the first of the mails, None if there is none.
    """
    recipients = (own, *access_lookups.of_contacts(invoice.client))
    mails = [send_new_bill(invoice, each, occasion=occasion, by=by) for each in recipients]
    return next((mail for mail in mails if mail is not None), None)


def send_receipt(payment: Payment, *, by: Actor) -> OutgoingEmail | None:
    """Queues the receipt of a payment, once, under the same conditions, to the person who paid."""
    client, access = payment.client, _access_of_payer(payment)
    text = bill_mail_texts.text_for(client, RECEIPT, access)
    content = {"about": payment.ref, "message": text.message}
    return _queue(client, access, RECEIPT, f"{RECEIPT}:{payment.ref}", text.subject, content=content, by=by)


def is_receipt_queued(payment: Payment) -> bool:
    """Returns whether the receipt of the payment was queued as an email."""
    return OutgoingEmail.objects.filter(practice_id=payment.practice_id, key=f"{RECEIPT}:{payment.ref}").exists()


def send_refund(refund: Refund, *, by: Actor) -> OutgoingEmail | None:
    """Queues the mail about a refund, once, under the same conditions, to the person who had paid."""
    client, access = refund.payment.client, _access_of_payer(refund.payment)
    with translation.override(_language_of(client, access)):
        subject = _("Your refund from %(practice)s") % {"practice": client.practice.name}
    return _queue(client, access, REFUND, f"{REFUND}:{refund.ref}", subject, content={"about": refund.ref}, by=by)


def _access_of_payer(payment: Payment) -> PortalAccess | None:
    """Returns the access of the person who paid online; for another payment, the client's own.

    None if that person no longer opens the client, or it is not certain who it was.
    """
    client, account = payment.client, payment.account
    if account is None:
        return access_lookups.access_of(client)
    paying = access_lookups.access_of_account(client, account)
    return paying or access_lookups.access_of_former_account(client, account)


def _language_of(client: Client, access: PortalAccess | None) -> str:
    return client.language if access is None else access.holder_language


def address_for(access: PortalAccess | None) -> EmailAddress | None:
    """Returns the address that mails about bills go to; None if none may be sent."""
    return eligibility.mail_address(access, Purpose.BILL_MAIL)


def mailed_people(own: PortalAccess, contacts: Iterable[PortalAccess]) -> list[PortalAccess]:
    """Returns those of a client and the client's contacts to whom mails about bills may be sent."""
    return [each for each in (own, *contacts) if address_for(each) is not None]


def _queue(
    client: Client,
    access: PortalAccess | None,
    kind: str,
    key: str,
    subject: str,
    *,
    content: Mapping[str, str],
    by: Actor,
    link_nonce: bytes | None = None,
) -> OutgoingEmail | None:
    address = address_for(access)
    if access is None or address is None:
        return None
    named = holders.content_of(access)
    return outbox.queue(
        practice=client.practice,
        kind=kind,
        key=key,
        to_address=address.address,
        to_name=access.holder.name,
        subject=subject,
        content={"address": address.ref, "language": access.holder_language, **named, **content},
        by=by,
        client=client,
        link_nonce=link_nonce,
    )


class _BillMail(MailComposer):
    """A subclass sets the template and adds the context that only its mail has."""

    template = ""

    def refuse(self, email: OutgoingEmail) -> str | None:
        """Repeats every check that was made when the mail was queued."""
        access = holders.access_of_email(email) or PortalAccess.of(_client_of(email))
        return eligibility.reason_to_drop(access, Purpose.BILL_MAIL, written_to=email.content["address"])

    def compose(self, email: OutgoingEmail, link: str | None) -> ComposedMail:
        with translation.override(email.content["language"]):
            access = holders.access_of_email(email) or PortalAccess.of(_client_of(email))
            context = {
                "name": access.greeted_as(clock.today(access.client.practice.time_zone)),
                # Queued by a version that did not store it.
                "message": email.content.get("message") or self.default_message(access.client),
                "portal_address": email.practice.portal_address,
                "why": _("You received this because you agreed to emails from us."),
            }
            return mail_frame.letter(email, self.template, context | {"link": link} | self.context(email))

    def default_message(self, client: Client) -> str:
        """Returns the message of a mail that was queued without one."""
        return bill_mail_texts.text_for(client, self.template).message if self.template in bill_mail_texts.KINDS else ""

    @abstractmethod
    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        """Returns the template context of this kind of mail, in addition to the shared one."""


class NewBillMail(LinkedMail, _BillMail):
    label = gettext_lazy("New bill")
    template = "invoice_shared"

    def refuse(self, email: OutgoingEmail) -> str | None:
        reason = super().refuse(email)
        if reason is not None:
            return reason
        invoice = Invoice.objects.get(practice_id=email.practice_id, ref=email.content["invoice"])
        return _("The invoice is no longer shared.") if invoice.is_void or not invoice.is_shared else None

    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        context = {"heading": _("You have a new bill"), "signs_in": bool(email.link_nonce)}
        # Queued by a version whose mails had no link.
        address = f"{email.practice.portal_address}billing/{email.content['invoice']}/"
        return context if email.link_nonce else context | {"link": address}


class ReceiptMail(_BillMail):
    label = gettext_lazy("Receipt")
    template = "receipt"

    def refuse(self, email: OutgoingEmail) -> str | None:
        reason = super().refuse(email)
        if reason is not None:
            return reason
        payment = Payment.objects.get(practice_id=email.practice_id, ref=email.content["about"])
        return _("The payment was voided.") if payment.is_taken_back else None

    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        payment = Payment.objects.get(practice_id=email.practice_id, ref=email.content["about"])
        return {
            "heading": _("Thank you. We’ve received your payment"),
            "payment": payment,
            "day": time_formatting.full_day(payment.received_on, email.content["language"]),
            "amount": money.formatted(payment.amount_minor, payment.currency, language=email.content["language"]),
            "card": _card(payment) if payment.is_online else _manual_kind(payment),
            "document_address": f"{email.practice.portal_address}receipts/{payment.ref}/",
        }


class RefundMail(_BillMail):
    label = gettext_lazy("Refund")
    template = "refund"

    def context(self, email: OutgoingEmail) -> dict[str, Any]:  # Any: what templates take.
        refund = Refund.objects.select_related("payment").get(practice_id=email.practice_id, ref=email.content["about"])
        return {
            "heading": _("Your refund is on its way"),
            "amount": money.formatted(refund.amount_minor, refund.currency, language=email.content["language"]),
            "card": _card(refund.payment),
            "document_address": f"{email.practice.portal_address}refunds/{refund.ref}/",
        }


def _client_of(email: OutgoingEmail) -> Client:
    return Client.objects.get(outgoing_emails=email)


def _card(payment: Payment) -> str:
    """Returns for example "Visa ending 4242"; an empty string if no card is known."""
    if not payment.card_last4:
        return ""
    brand = payment.card_brand.replace("_", " ").title()
    return _("%(brand)s ending %(last4)s") % {"brand": brand, "last4": payment.card_last4}


def _manual_kind(payment: Payment) -> str:
    """Returns for example "Cash"; an empty string for "Other"."""
    return "" if payment.kind == PaymentKind.OTHER else str(PaymentKind(payment.kind).label)
