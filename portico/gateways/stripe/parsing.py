"""Stripe's objects as values of ours."""

# The SDK loads a module of its own for each class named here, so that merely starting would load all of them.
from __future__ import annotations

from datetime import UTC, datetime

import stripe

from portico.gateways.stripe import currencies
from portico.gateways.stripe.objects import (
    Account,
    Card,
    Charge,
    CheckoutSession,
    Dispute,
    PaymentIntent,
    Refund,
    WebhookEndpoint,
)


def account(body: stripe.Account) -> Account:
    profile, settings = body.business_profile, body.settings
    dashboard = settings.dashboard.display_name if settings else None
    name = (profile.name if profile else None) or dashboard or body.id
    return Account(
        id=body.id,
        name=name,
        country=body.country or "",
        currency=(body.default_currency or "").upper(),
        charges_enabled=bool(body.charges_enabled),
    )


def card(body: stripe.PaymentMethod) -> Card | None:
    """None for what is no card."""
    if body.card is None:
        return None
    return Card(
        id=body.id,
        brand=body.card.brand,
        last4=body.card.last4,
        expires_month=body.card.exp_month,
        expires_year=body.card.exp_year,
        customer=id_of(body.customer),
    )


def charge(body: stripe.Charge) -> Charge:
    details = body.payment_method_details
    paid_by = details.card if details else None
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
        card=Card("", paid_by.brand or "", paid_by.last4 or "", paid_by.exp_month, paid_by.exp_year)
        if paid_by
        else None,
        created_at=time(body.created),
        metadata=words(body.metadata),
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
        charge=charge(newest) if isinstance(newest, stripe.Charge) else None,
        bank_address=(redirect.url or "") if redirect else "",
        # The SDK raises for a field that Stripe left out, as it does when the bank refused.
        decline=(getattr(error, "decline_code", None) or getattr(error, "code", None) or "") if error else "",
        metadata=words(body.metadata),
    )


def session(body: stripe.checkout.Session) -> CheckoutSession:
    currency = body.currency or ""
    inside = body.payment_intent
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
        intent_id=id_of(inside),
        intent=intent(inside) if isinstance(inside, stripe.PaymentIntent) else None,
        metadata=words(body.metadata),
    )


def refund(body: stripe.Refund) -> Refund:
    return Refund(
        id=body.id,
        charge=id_of(body.charge),
        intent=id_of(body.payment_intent),
        amount_minor=currencies.as_reported(body.amount, body.currency),
        currency=body.currency.upper(),
        status=body.status or "",
        created_at=time(body.created),
        metadata=words(body.metadata),
    )


def dispute(body: stripe.Dispute) -> Dispute:
    return Dispute(
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
    """Of an object that may have come whole, by its id, or not at all."""
    if isinstance(value, stripe.StripeObject):
        return str(value["id"])
    return value or ""


def time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def words(metadata: stripe.StripeObject | dict[str, str] | None) -> dict[str, str]:
    if isinstance(metadata, stripe.StripeObject):
        return {str(key): str(value) for key, value in metadata.to_dict().items()}
    return dict(metadata or {})
