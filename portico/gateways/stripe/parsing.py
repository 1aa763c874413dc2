"""The SDK's objects converted into the dataclasses in `objects`."""

# The SDK is imported with the first call; annotations are not evaluated.
from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from portico.gateways.stripe import currencies
from portico.gateways.stripe.objects import (
    Charge,
    CheckoutSession,
    PaymentIntent,
    StripeAccount,
    StripeCard,
    StripeDispute,
    StripeRefund,
    WebhookEndpoint,
)

if TYPE_CHECKING:
    import stripe


def account(body: stripe.Account) -> StripeAccount:
    profile, settings = body.business_profile, body.settings
    dashboard = settings.dashboard.display_name if settings else None
    name = (profile.name if profile else None) or dashboard or body.id
    return StripeAccount(
        id=body.id,
        name=name,
        country=body.country or "",
        currency=(body.default_currency or "").upper(),
        charges_enabled=bool(body.charges_enabled),
    )


def card(body: stripe.PaymentMethod) -> StripeCard | None:
    """Returns the card; None if the payment method is not a card."""
    if body.card is None:
        return None
    return StripeCard(
        id=body.id,
        brand=body.card.brand,
        last4=body.card.last4,
        expires_month=body.card.exp_month,
        expires_year=body.card.exp_year,
        customer=id_of(body.customer),
        fingerprint=body.card.fingerprint or "",
    )


def _card_of_charge(body: stripe.Charge) -> StripeCard | None:
    details = body.payment_method_details
    card = details.card if details else None
    if card is None:
        return None
    return StripeCard(
        "", card.brand or "", card.last4 or "", card.exp_month, card.exp_year, fingerprint=card.fingerprint or ""
    )


def charge(body: stripe.Charge) -> Charge:
    return Charge(
        id=body.id,
        intent=id_of(body.payment_intent),
        amount_minor=currencies.as_reported(body.amount, body.currency),
        refunded_minor=currencies.as_reported(body.amount_refunded, body.currency),
        currency=body.currency.upper(),
        livemode=body.livemode,
        is_paid=body.paid,
        is_disputed=body.disputed,
        customer=id_of(body.customer),
        card=_card_of_charge(body),
        created_at=time(body.created),
        metadata=metadata_of(body.metadata),
    )


def intent(body: stripe.PaymentIntent) -> PaymentIntent:
    action = body.next_action
    redirect = action.redirect_to_url if action and action.type == "redirect_to_url" else None
    error = body.last_payment_error
    newest = body.latest_charge
    return PaymentIntent(
        id=body.id,
        status=body.status,
        amount_minor=currencies.as_reported(body.amount, body.currency),
        received_minor=currencies.as_reported(body.amount_received, body.currency),
        currency=body.currency.upper(),
        livemode=body.livemode,
        customer=id_of(body.customer),
        card=id_of(body.payment_method),
        created_at=time(body.created),
        charge_id=id_of(newest),
        charge=None if newest is None or isinstance(newest, str) else charge(newest),
        bank_address=(redirect.url or "") if redirect else "",
        # The SDK raises for a missing field, and Stripe leaves fields out when the bank declines.
        decline=(getattr(error, "decline_code", None) or getattr(error, "code", None) or "") if error else "",
        metadata=metadata_of(body.metadata),
    )


def session(body: stripe.checkout.Session) -> CheckoutSession:
    currency = body.currency or ""
    payment_intent = body.payment_intent
    return CheckoutSession(
        id=body.id,
        status=body.status or "",
        payment_status=body.payment_status,
        address=body.url or "",
        amount_minor=currencies.as_reported(body.amount_total or 0, currency),
        currency=currency.upper(),
        livemode=body.livemode,
        customer=id_of(body.customer),
        expires_at=time(body.expires_at),
        created_at=time(body.created),
        intent_id=id_of(payment_intent),
        intent=None if payment_intent is None or isinstance(payment_intent, str) else intent(payment_intent),
        metadata=metadata_of(body.metadata),
    )


def refund(body: stripe.Refund) -> StripeRefund:
    return StripeRefund(
        id=body.id,
        charge=id_of(body.charge),
        intent=id_of(body.payment_intent),
        amount_minor=currencies.as_reported(body.amount, body.currency),
        currency=body.currency.upper(),
        status=body.status or "",
        created_at=time(body.created),
        metadata=metadata_of(body.metadata),
    )


def dispute(body: stripe.Dispute) -> StripeDispute:
    return StripeDispute(
        id=body.id,
        charge=id_of(body.charge),
        intent=id_of(body.payment_intent),
        amount_minor=currencies.as_reported(body.amount, body.currency),
        currency=body.currency.upper(),
        livemode=body.livemode,
        status=body.status,
        reason=body.reason,
        created_at=time(body.created),
    )


def endpoint(body: stripe.WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint(id=body.id, url=body.url, secret=getattr(body, "secret", None) or "")


def id_of(value: str | stripe.StripeObject | None) -> str:
    """Returns the id of an object given in full (expanded) or by its id; empty for None."""
    if value is None or isinstance(value, str):
        return value or ""
    return str(value["id"])


def time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def metadata_of(metadata: stripe.StripeObject | dict[str, str] | None) -> dict[str, str]:
    if metadata is None or isinstance(metadata, dict):
        return dict(metadata or {})
    return {str(key): str(value) for key, value in metadata.to_dict().items()}
