"""Saving cards at Stripe, which the product leaves to Checkout."""

from portico.gateways.stripe import parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.objects import StripeCard


def attach_card(client: StripeClient, id_: str, customer: str) -> StripeCard | None:
    """Saves a payment method for the customer. Raises StripeCallFailed."""
    body = client.call(lambda stripe: stripe.v1.payment_methods.attach(id_, {"customer": customer}))
    return parsing.card(body)
