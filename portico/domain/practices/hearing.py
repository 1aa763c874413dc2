"""Hearing from Stripe: where its events are sent, what they are signed with, and when the last one came."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.practices import connecting, online_payments
from portico.domain.practices.connecting import StripeAway
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
from portico.domain.practices.online_payments import CardsNotTaken
from portico.gateways.stripe import account, webhooks
from portico.gateways.stripe.errors import BadKey, Rejected, StripeTrouble
from portico.gateways.stripe.line import Line
from portico.gateways.stripe.things import Endpoint
from portico.gateways.stripe.webhooks import Forged
from portico.plumbing import clock, inbox, trail
from portico.plumbing.actors import Actor
from portico.plumbing.encryption import Undecipherable
from portico.plumbing.refusals import Refused
from portico.plumbing.verbs import Verb

SOURCE = "stripe"


class AddressNotPublic(Refused):
    message = _(
        "Stripe can only call an address that is reachable from the internet by https, and this one is not. Payments "
        "show within a minute all the same, because we ask."
    )


class KeyMayNotMakeWebhooks(Refused):
    message = _("With this key no webhook can be created. Make it by hand at Stripe, and put its secret here.")


@dataclass(frozen=True)
class Heard:
    """What is known of the webhook: whether there is a secret, since when, and when Stripe last spoke."""

    is_set_up: bool
    saved_at: datetime | None
    last_at: datetime | None
    can_be_made: bool


def address_of(practice: Practice) -> str:
    """Where Stripe is to send the practice's events."""
    return f"{settings.PUBLIC_BASE_URL}/hooks/stripe/{practice.slug}/"


def of(payments: OnlinePayments, practice: Practice) -> Heard:
    last_at = inbox.last_heard_at(practice, SOURCE)
    # What came under an earlier secret says nothing of this one.
    is_recent = last_at is not None and payments.webhook_saved_at is not None and last_at >= payments.webhook_saved_at
    return Heard(
        is_set_up=payments.has_webhook,
        saved_at=payments.webhook_saved_at,
        last_at=last_at if is_recent else None,
        can_be_made=is_public(address_of(practice)),
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


def make_webhook(practice: Practice, *, by: Actor) -> OnlinePayments:
    """Has Stripe send events here, in place of what it may have been told before about this address.

    Raises AddressNotPublic, CardsNotTaken, KeyMayNotMakeWebhooks, StripeAway.
    """
    address = address_of(practice)
    if not is_public(address):
        raise AddressNotPublic
    payments = online_payments.of(practice)
    if payments is None or payments.key is None:
        raise CardsNotTaken
    asked = payments.key
    try:
        made = _make(online_payments.line_of(asked), address)
    except Undecipherable as lost:
        raise CardsNotTaken from lost
    except Rejected as refusal:
        raise AddressNotPublic from refusal
    except BadKey as refusal:
        raise KeyMayNotMakeWebhooks from refusal
    except StripeTrouble as trouble:
        raise StripeAway from trouble
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().get(pk=payments.pk)
        if payments.key_id != asked.pk:
            return payments  # The key was changed meanwhile; its webhook is another one.
        payments.lock_up_webhook_secret(made.secret)
        payments.webhook_id = made.id
        payments.save()
        trail.record(Verb.WEBHOOK_SAVED, practice=practice, by=by, way="by Portico")
    return payments


def save_secret(practice: Practice, secret: str, *, by: Actor) -> None:
    """Keeps the secret of a webhook that was made at Stripe by hand. Raises NotASecret and CardsNotTaken."""
    connecting.refuse_no_secret(secret)
    with transaction.atomic():
        payments = OnlinePayments.objects.locked().filter(practice=practice, key__isnull=False).first()
        if payments is None:
            raise CardsNotTaken
        payments.lock_up_webhook_secret(secret)
        payments.webhook_id = ""
        payments.save()
        trail.record(Verb.WEBHOOK_SAVED, practice=practice, by=by, way="by hand")


def secret_holder(slug: str) -> OnlinePayments | None:
    """The practice at that address, if it has a secret by which its events can be told from others."""
    found = OnlinePayments.objects.select_related("practice", "key").filter(practice__slug=slug)
    return found.filter(webhook_box__isnull=False).first()


def take_in(payments: OnlinePayments, body: bytes, signature: str) -> None:
    """Verifies an event and keeps it, once. One of the other mode is kept and changes nothing.

    Raises webhooks.Forged and webhooks.Unreadable.
    """
    try:
        secret = payments.webhook_secret()
    except Undecipherable as lost:
        raise Forged("The secret can no longer be read.") from lost
    event = webhooks.read(body, signature, secret=secret, now=clock.now())
    inbox.keep(
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


def _make(line: Line, address: str) -> Endpoint:
    for known in account.endpoints(line):
        # Its secret was told once, and perhaps to nobody.
        if known.url == address:
            account.remove_endpoint(line, known.id)
    return account.make_endpoint(line, address, description="Portico")
