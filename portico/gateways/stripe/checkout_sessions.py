"""Stripe's hosted Checkout page, the only place where a card number is entered."""

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
    """Returns the origin of the Checkout page, for the content security policy; `base` is that of the client."""
    return base or ORIGIN


def open_session(
    client: StripeClient,
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
    """Creates a session for exactly this amount, by card only. `success_url` may hold {CHECKOUT_SESSION_ID}.

    Raises StripeCallFailed, and currencies.CannotBeCharged before any call.
    """
    params: SessionCreateParams = {
        "mode": "payment",
        # Called payment_method_types before the API version that the SDK is pinned to.
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
    created = client.call(lambda stripe: stripe.v1.checkout.sessions.create(params, {"idempotency_key": key}))
    return parsing.session(created)


def look_up(client: StripeClient, id_: str) -> CheckoutSession:
    """Returns the session with its payment intent and charge. Raises StripeCallFailed."""
    return parsing.session(
        client.call(lambda stripe: stripe.v1.checkout.sessions.retrieve(id_, {"expand": WITH_CHARGE}))
    )


def expire(client: StripeClient, id_: str) -> CheckoutSession:
    """Expires a session, so that it cannot be paid. Raises StripeCallFailed: RequestRejected if it is not open."""
    return parsing.session(client.call(lambda stripe: stripe.v1.checkout.sessions.expire(id_)))
