"""Stripe's hosted Checkout page: the only place where a card number is typed."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from portico.gateways.stripe import currencies, parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.objects import CheckoutSession

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

WITH_CHARGE = ["payment_intent.latest_charge"]
ORIGIN = "https://checkout.stripe.com"


def origin(base: str) -> str:
    """Where the page stands, for a policy that must name it; `base` is that of the line."""
    return base or ORIGIN


def open_session(
    line: StripeClient,
    *,
    amount_minor: int,
    currency: str,
    name: str,
    customer: str,
    save_card: bool,
    expires_at: datetime,
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    key: str,
    with_description: bool = True,
) -> CheckoutSession:
    """Opens a page for exactly this amount, by card only. `success_url` may hold {CHECKOUT_SESSION_ID}.

    Raises StripeTrouble, and money.CannotBeCharged before any call.
    """
    params: SessionCreateParams = {
        "mode": "payment",
        # What was payment_method_types before the version that the SDK is pinned to.
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "customer": customer,
        "line_items": [
            {
                "price_data": {
                    "currency": currency.lower(),
                    "unit_amount": currencies.to_stripe(amount_minor, currency),
                    "product_data": {"name": name},
                },
                "quantity": 1,
            }
        ],
        "payment_intent_data": {"metadata": dict(metadata)},
        "metadata": dict(metadata),
        "expires_at": int(expires_at.timestamp()),
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    if with_description:
        params["payment_intent_data"]["description"] = name
    if save_card:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    made = line.ask(lambda stripe: stripe.v1.checkout.sessions.create(params, {"idempotency_key": key}))
    return parsing.session(made)


def look_up(line: StripeClient, id_: str) -> CheckoutSession:
    """With its payment intent and charge. Raises StripeTrouble."""
    return parsing.session(line.ask(lambda stripe: stripe.v1.checkout.sessions.retrieve(id_, {"expand": WITH_CHARGE})))


def of_intent(line: StripeClient, intent: str) -> CheckoutSession | None:
    """The session that made the intent, if one did. Raises StripeTrouble."""
    found = line.ask(lambda stripe: stripe.v1.checkout.sessions.list({"payment_intent": intent, "limit": 1}))
    return parsing.session(found.data[0]) if found.data else None


def expire(line: StripeClient, id_: str) -> CheckoutSession:
    """Nobody can pay on it any more. Raises StripeTrouble: Rejected when it is paid or over."""
    return parsing.session(line.ask(lambda stripe: stripe.v1.checkout.sessions.expire(id_)))
