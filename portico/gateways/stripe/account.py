"""The account behind a key, and its webhook endpoints."""

from typing import Any, cast

from portico.gateways.stripe import parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import ResourceMissing
from portico.gateways.stripe.objects import StripeAccount, WebhookEndpoint

# The event types that the webhook is subscribed to.
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


def look_up(client: StripeClient) -> StripeAccount:
    """Returns the account. Raises StripeCallFailed: InvalidKey for a key that Stripe does not accept."""
    return parsing.account(client.call(lambda stripe: stripe.v1.accounts.retrieve_current()))


def create_endpoint(client: StripeClient, url: str, *, description: str) -> WebhookEndpoint:
    """Creates a webhook endpoint.

    Raises StripeCallFailed: RequestRejected for a URL that Stripe cannot reach.
    """
    events = cast(Any, list(EVENTS))  # Any: the SDK spells out each of its hundreds of types.
    created = client.call(
        lambda stripe: stripe.v1.webhook_endpoints.create(
            {"url": url, "enabled_events": events, "description": description}
        )
    )
    return parsing.endpoint(created)


def delete_endpoint(client: StripeClient, id_: str) -> None:
    """Deletes a webhook endpoint. Raises StripeCallFailed: ResourceMissing if it does not exist."""
    client.call(lambda stripe: stripe.v1.webhook_endpoints.delete(id_))


def has_endpoint(client: StripeClient, id_: str) -> bool:
    """Returns True if Stripe still has the webhook endpoint. Raises StripeCallFailed."""
    try:
        client.call(lambda stripe: stripe.v1.webhook_endpoints.retrieve(id_))
    except ResourceMissing:
        return False
    return True


def endpoints(client: StripeClient) -> list[WebhookEndpoint]:
    found = client.call(lambda stripe: stripe.v1.webhook_endpoints.list({"limit": 100}))
    return [parsing.endpoint(each) for each in found.data]
