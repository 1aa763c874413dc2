"""Queues the receipt of a payment and the mail about a refund: an amount and a link, nothing about a visit."""

from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access import access_grants, eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.billing.models import Payment, Refund
from portico.domain.clients.models import Client
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail

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
