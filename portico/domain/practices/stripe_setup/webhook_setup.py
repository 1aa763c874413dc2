"""Stripe webhooks of a practice: creating and checking the endpoint, and its signing secret."""

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
from portico.domain.practices.models import OnlinePayments, Practice
from portico.domain.practices.stripe_setup import api_keys, payment_readiness
from portico.domain.practices.stripe_setup.api_keys import KeyNotAccepted
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe import account
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
from portico.plumbing import clock, inbound_events
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.security.encryption import DecryptionFailed

logger = logging.getLogger(__name__)

SOURCE = "stripe"
HOURS_A_DAY = 24


class AddressNotPublic(Refused):
    message = _(
        "Stripe can only call an https address that can be reached from the internet, and this one can’t. "
        "Payments still appear within a minute, because Portico checks with Stripe."
    )


class KeyCannotCreateWebhooks(Refused):
    message = _("This key can’t create a webhook. Create it in Stripe and enter its secret here.")


@dataclass(frozen=True)
class WebhookStatus:
    """The state of the webhook: whether a secret is saved, since when, and when the last event was received."""

    is_set_up: bool
    saved_at: datetime | None
    last_at: datetime | None
    can_be_made: bool
    # Portico created it, and it no longer exists at Stripe.
    is_missing: bool = False


def url_of(practice: Practice) -> str:
    """Returns the absolute URL of the practice's webhook endpoint."""
    return f"{settings.PUBLIC_BASE_URL}/hooks/stripe/{practice.slug}/"


def webhook_status(payments: OnlinePayments, practice: Practice) -> WebhookStatus:
    last_at = inbound_events.last_received_at(practice, SOURCE)
    # An event received with an earlier secret does not show that this one works.
    is_recent = last_at is not None and payments.webhook_saved_at is not None and last_at >= payments.webhook_saved_at
    return WebhookStatus(
        is_set_up=payments.has_webhook,
        saved_at=payments.webhook_saved_at,
        last_at=last_at if is_recent else None,
        can_be_made=is_public(url_of(practice)),
        is_missing=payments.is_webhook_missing,
    )


def is_public(url: str) -> bool:
    """Returns True if Stripe could call the URL, judged by the URL alone."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_private = ip_address(host).is_private
    except ValueError:
        is_private = "." not in host or host.endswith((".localhost", ".local", ".internal"))
    return parts.scheme == "https" and not is_private


def create_webhook(practice: Practice, *, by: Actor) -> OnlinePayments:
    """Creates the webhook endpoint at Stripe, replacing earlier endpoints with the same URL.

    Raises AddressNotPublic, CardsNotAccepted, KeyCannotCreateWebhooks, KeyNotAccepted, and the refusals of
    `api_keys.refusal_of`.
    """
    url = url_of(practice)
    if not is_public(url):
        raise AddressNotPublic
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        raise CardsNotAccepted
    key = payments.key
    try:
        made = _create_endpoint(payment_readiness.client_for_key(key), url)
    except DecryptionFailed as lost:
        raise CardsNotAccepted from lost
    except PermissionMissing as refusal:
        raise KeyCannotCreateWebhooks from refusal
    except InvalidKey as refusal:
        raise KeyNotAccepted from refusal
    except StripeCallFailed as error:
        if isinstance(error, RequestRejected) and error.is_about("url"):
            raise AddressNotPublic from error
        raise api_keys.refusal_of(error) from error
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().get(pk=payments.pk)
        if payments.key_id != key.pk:
            return payments  # The key was changed in the meantime; it needs another webhook.
        payments.encrypt_webhook_secret(made.secret)
        payments.webhook_id = made.id
        payments.save()
        audit_log.record(AuditAction.WEBHOOK_SAVED, practice=practice, by=by, way="by Portico")
    return payments


def check_webhook(practice: Practice, *, by: Actor) -> bool:
    """Checks that the webhook that Portico created still exists; if not, deletes its secret and records that.

    Returns True if it is missing. Raises StripeCallFailed.
    """
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None or not payments.webhook_id:
        return False
    webhook_id = payments.webhook_id
    if payments.has_webhook:
        try:
            is_there = account.has_endpoint(payment_readiness.client_for_key(payments.key), webhook_id)
        except DecryptionFailed:
            return False
        if is_there:
            return False
        with transaction.atomic():
            payments = OnlinePayments.objects.locked().get(pk=payments.pk)
            if payments.webhook_id == webhook_id and payments.has_webhook:
                payments.mark_webhook_missing()
                payments.save(update_fields=["encrypted_webhook_secret", "webhook_saved_at"])
                audit_log.record(AuditAction.WEBHOOK_MISSING, practice=practice, by=by)
    return payments.is_webhook_missing


def check_webhooks() -> int:
    """Checks each practice's webhook once a day, some of them every hour; a scheduled task. Returns their number."""
    made = OnlinePayments.objects.filter(encrypted_webhook_secret__isnull=False, key__isnull=False).exclude(
        webhook_id=""
    )
    due = made.annotate(hour=Mod(F("id"), HOURS_A_DAY)).filter(hour=clock.now().hour)
    checked = 0
    for payments in due.select_related("practice").order_by("id"):
        try:
            check_webhook(payments.practice, by=Actor.system("Stripe"))
        except StripeUnreachable:
            break  # The next calls would fail too.
        except StripeCallFailed as error:
            logger.info("webhook.check_failed", extra={"practice": payments.practice_id, **error.details})
        checked += 1
    return checked


def save_secret(practice: Practice, secret: str, *, by: Actor) -> None:
    """Saves the secret of a webhook that was created by hand at Stripe. Raises NotASecret and CardsNotAccepted."""
    api_keys.refuse_malformed_secret(secret)
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().filter(practice=practice, key__isnull=False).first()
        if payments is None:
            raise CardsNotAccepted
        payments.encrypt_webhook_secret(secret)
        payments.webhook_id = ""
        payments.save()
        audit_log.record(AuditAction.WEBHOOK_SAVED, practice=practice, by=by, way="by hand")


def _create_endpoint(stripe: StripeClient, url: str) -> WebhookEndpoint:
    for known in account.endpoints(stripe):
        # Stripe shows a secret only once, so an existing endpoint's secret cannot be read again.
        if known.url == url:
            with suppress(ResourceMissing):
                account.delete_endpoint(stripe, known.id)
    return account.create_endpoint(stripe, url, description="Portico")
