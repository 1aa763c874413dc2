"""The account behind a key, and where its events are sent."""

from typing import Any, cast

from portico.gateways.stripe import parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import ResourceMissing
from portico.gateways.stripe.objects import Account, WebhookEndpoint

# What the hook wants to hear of; all else is left at Stripe.
EVENTS = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_method.detached",
    "refund.created",
    "refund.failed",
    "refund.updated",
)


def look_up(line: StripeClient) -> Account:
    """Raises StripeTrouble: BadKey for a key that Stripe does not take."""
    return parsing.account(line.ask(lambda stripe: stripe.v1.accounts.retrieve_current()))


def create_endpoint(line: StripeClient, url: str, *, description: str) -> WebhookEndpoint:
    """Has events sent to the address. Raises StripeTrouble: Rejected for an address that Stripe cannot reach."""
    events = cast(Any, list(EVENTS))  # Any: the SDK spells out each of its hundreds of types.
    made = line.ask(
        lambda stripe: stripe.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": events, "description": description}
        )
    )
    return parsing.endpoint(made)


def delete_endpoint(line: StripeClient, id_: str) -> None:
    """Raises StripeTrouble: NotThere when it is gone already."""
    line.ask(lambda stripe: stripe.v1.webhook_endpoints.delete(id_))


def has_endpoint(line: StripeClient, id_: str) -> bool:
    """Whether Stripe still has the webhook endpoint. Raises StripeTrouble."""
    try:
        line.ask(lambda stripe: stripe.v1.webhook_endpoints.retrieve(id_))
    except ResourceMissing:
        return False
    return True


def endpoints(line: StripeClient) -> list[WebhookEndpoint]:
    found = line.ask(lambda stripe: stripe.v1.webhook_endpoints.list({"limit": 100}))
    return [parsing.endpoint(each) for each in found.data]
