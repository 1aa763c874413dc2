"""Customers and their saved cards."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from portico.gateways.stripe import parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import RequestRejected, ResourceMissing
from portico.gateways.stripe.objects import StripeCard

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams

logger = logging.getLogger(__name__)

# The most that Stripe lists on one page.
MAX_CARDS = 100


def create(client: StripeClient, *, email: str, metadata: Mapping[str, str], key: str) -> str:
    """Creates a customer and returns its id. `key` is the idempotency key. Raises StripeCallFailed.

    Every field is optional at Stripe, so a field that Stripe rejects is left out and the call repeated. Stripe repeats
    its response to an idempotency key for a day, so each repetition has a key of its own, made from `key`.
    """
    fields: dict[str, str | dict[str, str]] = {"metadata": dict(metadata)}
    if email:
        fields["email"] = email
    while True:
        try:
            return _create(client, cast("CustomerCreateParams", fields), key)
        except RequestRejected as error:
            rejected = next((name for name in fields if error.is_about(name)), None)
            if rejected is None:
                raise
            logger.warning("stripe.field_omitted", extra={"field": rejected, **error.details})
            del fields[rejected]
            key = f"{key}-without-{rejected}"


def _create(client: StripeClient, fields: "CustomerCreateParams", key: str) -> str:
    return client.call(lambda stripe: stripe.v1.customers.create(fields, {"idempotency_key": key})).id


def is_there(client: StripeClient, id_: str) -> bool:
    """Returns True unless the customer was deleted or never existed. Raises StripeCallFailed."""
    try:
        found = client.call(lambda stripe: stripe.v1.customers.retrieve(id_))
    except ResourceMissing:
        return False
    return not getattr(found, "deleted", False)


def cards(client: StripeClient, customer: str) -> list[StripeCard]:
    """Returns the customer's saved cards, newest first. Raises StripeCallFailed."""
    found = client.call(
        lambda stripe: stripe.v1.customers.payment_methods.list(customer, {"type": "card", "limit": MAX_CARDS})
    )
    return [card for each in found.data if (card := parsing.card(each)) is not None]


def card(client: StripeClient, id_: str) -> StripeCard | None:
    """Returns the card; None if the payment method is not a card. Raises StripeCallFailed."""
    return parsing.card(client.call(lambda stripe: stripe.v1.payment_methods.retrieve(id_)))


def remove_card(client: StripeClient, id_: str) -> None:
    """Detaches a card, so that it cannot be charged. Raises StripeCallFailed: RequestRejected if it was detached."""
    client.call(lambda stripe: stripe.v1.payment_methods.detach(id_))
