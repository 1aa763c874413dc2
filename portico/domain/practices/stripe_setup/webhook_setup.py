"""Hearing from Stripe: where its events are sent, what they are signed with, and when the last one came."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Mod
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
from portico.domain.practices.stripe_setup import api_keys, payment_readiness
from portico.domain.practices.stripe_setup.api_keys import KeyNotAccepted
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe import account, webhooks
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import (
    InvalidKey,
    PermissionMissing,
    RequestRejected,
    ResourceMissing,
    StripeCallFailed,
    StripeUnreachable,
)
from portico.gateways.stripe.objects import WebhookEndpoint
from portico.gateways.stripe.webhooks import SignatureInvalid
from portico.plumbing import clock, inbound_events
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.security.encryption import DecryptionFailed

logger = logging.getLogger(__name__)

SOURCE = "stripe"
HOURS = 24


class AddressNotPublic(Refused):
    message = _(
        "Stripe can only call an address that is reachable from the internet by https, and this one is not. Payments "
        "show within a minute all the same, because we ask."
    )


class KeyCannotCreateWebhooks(Refused):
    message = _("With this key no webhook can be created. Make it by hand at Stripe, and put its secret here.")


@dataclass(frozen=True)
class WebhookStatus:
    """What is known of the webhook: whether there is a secret, since when, and when Stripe last spoke."""

    is_set_up: bool
    saved_at: datetime | None
    last_at: datetime | None
    can_be_made: bool
    # Portico made it, and Stripe no longer has it.
    is_missing: bool = False


def url_of(practice: Practice) -> str:
    """Where Stripe is to send the practice's events."""
    return f"{settings.PUBLIC_BASE_URL}/hooks/stripe/{practice.slug}/"


def webhook_status(payments: OnlinePayments, practice: Practice) -> WebhookStatus:
    last_at = inbound_events.last_received_at(practice, SOURCE)
    # What came under an earlier secret says nothing of this one.
    is_recent = last_at is not None and payments.webhook_saved_at is not None and last_at >= payments.webhook_saved_at
    return WebhookStatus(
        is_set_up=payments.has_webhook,
        saved_at=payments.webhook_saved_at,
        last_at=last_at if is_recent else None,
        can_be_made=is_public(url_of(practice)),
        is_missing=payments.misses_webhook,
    )


def is_public(address: str) -> bool:
    """Whether Stripe could call it, as far as the address itself tells."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        is_private = ip_address(host).is_private
    except ValueError:
        is_private = "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return parts.scheme == "https" and not is_private


def create_webhook(practice: Practice, *, by: Actor) -> OnlinePayments:
    """Has Stripe send events here, in place of what it may have been told before about this address.

    Raises AddressNotPublic, CardsNotTaken, KeyMayNotMakeWebhooks, KeyNotAccepted, and what `connecting.refusal_of`
    gives.
    """
    address = url_of(practice)
    if not is_public(address):
        raise AddressNotPublic
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        raise CardsNotAccepted
    asked = payments.key
    try:
        made = _make(payment_readiness.client_for_key(asked), address)
    except DecryptionFailed as lost:
        raise CardsNotAccepted from lost
    except PermissionMissing as refusal:
        raise KeyCannotCreateWebhooks from refusal
    except InvalidKey as refusal:
        raise KeyNotAccepted from refusal
    except StripeCallFailed as trouble:
        if isinstance(trouble, RequestRejected) and trouble.is_about("url"):
            raise AddressNotPublic from trouble
        raise api_keys.refusal_of(trouble) from trouble
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().get(pk=payments.pk)
        if payments.key_id != asked.pk:
            return payments  # The key was changed meanwhile; its webhook is another one.
        payments.lock_up_webhook_secret(made.secret)
        payments.webhook_id = made.id
        payments.save()
        audit_log.record(AuditAction.WEBHOOK_SAVED, practice=practice, by=by, way="by Portico")
    return payments


def check_webhook(practice: Practice, *, by: Actor) -> bool:
    """Asks Stripe for the webhook that Portico made there; if it was deleted, its secret is forgotten and that is said.

    Returns whether it is missing. Raises StripeTrouble.
    """
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None or not payments.webhook_id:
        return False
    asked = payments.webhook_id
    if payments.has_webhook:
        try:
            is_there = account.has_endpoint(payment_readiness.client_for_key(payments.key), asked)
        except DecryptionFailed:
            return False
        if is_there:
            return False
        with transaction.atomic():
            payments = OnlinePayments.objects.locked().get(pk=payments.pk)
            if payments.webhook_id == asked and payments.has_webhook:
                payments.lose_webhook()
                payments.save(update_fields=["webhook_box", "webhook_saved_at"])
                audit_log.record(AuditAction.WEBHOOK_MISSING, practice=practice, by=by)
    return payments.misses_webhook


def check_webhooks() -> int:
    """Looks for the webhooks of a part of the practices, each once a day; upkeep calls it. Returns how many."""
    made = OnlinePayments.objects.filter(webhook_box__isnull=False, key__isnull=False).exclude(webhook_id="")
    due = made.annotate(hour=Mod(F("id"), HOURS)).filter(hour=clock.now().hour)
    looked_for = 0
    for payments in due.select_related("practice").order_by("id"):
        try:
            check_webhook(payments.practice, by=Actor.system("Stripe"))
        except StripeUnreachable:
            break  # Nor would the next ones be found.
        except StripeCallFailed as trouble:
            logger.info("webhook.not_looked_for", extra={"practice": payments.practice_id, **trouble.details})
        looked_for += 1
    return looked_for


def save_secret(practice: Practice, secret: str, *, by: Actor) -> None:
    """Keeps the secret of a webhook that was made at Stripe by hand. Raises NotASecret and CardsNotTaken."""
    api_keys.refuse_no_secret(secret)
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().filter(practice=practice, key__isnull=False).first()
        if payments is None:
            raise CardsNotAccepted
        payments.lock_up_webhook_secret(secret)
        payments.webhook_id = ""
        payments.save()
        audit_log.record(AuditAction.WEBHOOK_SAVED, practice=practice, by=by, way="by hand")


def secret_holder(slug: str) -> OnlinePayments | None:
    """The practice at that address, if it has a secret by which its events can be told from others."""
    found = OnlinePayments.objects.select_related("practice", "key").filter(practice__slug=slug)
    return found.filter(webhook_box__isnull=False).first()


def receive(payments: OnlinePayments, body: bytes, signature: str) -> None:
    """Verifies an event and keeps it, once. One of the other mode is kept and changes nothing.

    Raises webhooks.Forged and webhooks.Unreadable.
    """
    try:
        secret = payments.webhook_secret()
    except DecryptionFailed as lost:
        raise SignatureInvalid("The secret can no longer be read.") from lost
    event = webhooks.read(body, signature, secret=secret, now=clock.now())
    inbound_events.store(
        payments.practice,
        source=SOURCE,
        event_id=event.id[:255],
        kind=event.type[:100],
        object_kind=event.object_kind[:100],
        object_id=event.object_id[:255],
        livemode=event.livemode,
        happened_at=event.created_at,
        is_for_us=_is_ours(payments, livemode=event.livemode),
    )


def _is_ours(payments: OnlinePayments, *, livemode: bool) -> bool:
    """Events of the other mode change nothing. With the key removed, those of its mode still end what was open."""
    if payments.key is not None:
        return payments.key.livemode == livemode
    return StripeKey.objects.filter(practice=payments.practice, livemode=livemode).exists()


def _make(line: StripeClient, address: str) -> WebhookEndpoint:
    for known in account.endpoints(line):
        # Its secret was told once, and perhaps to nobody.
        if known.url == address:
            with suppress(ResourceMissing):
                account.delete_endpoint(line, known.id)
    return account.create_endpoint(line, address, description="Portico")
