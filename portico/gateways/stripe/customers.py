"""Customers, and the cards that they have saved."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from portico.gateways.stripe import parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.errors import RequestRejected, ResourceMissing
from portico.gateways.stripe.objects import Card

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams

logger = logging.getLogger(__name__)

MOST_CARDS = 100


def create(line: StripeClient, *, email: str, metadata: Mapping[str, str], key: str) -> str:
    """Creates a customer and returns its id. `key` is the idempotency key. Raises StripeTrouble.

    Every field is optional at Stripe: one that is refused is left out. Stripe repeats its answer to a key for a day,
    so each such call has a key of its own, made from `key`.
    """
    left: dict[str, str | dict[str, str]] = {"email": email, "metadata": dict(metadata)}
    while True:
        try:
            return _create(line, cast("CustomerCreateParams", left), key)
        except RequestRejected as refusal:
            refused = next((name for name in left if refusal.is_about(name)), None)
            if refused is None:
                raise
            logger.warning("stripe.field_left_out", extra={"field": refused, **refusal.details})
            del left[refused]
            key = f"{key}-without-{refused}"


def _create(line: StripeClient, fields: "CustomerCreateParams", key: str) -> str:
    return line.ask(lambda stripe: stripe.v1.customers.create(fields, {"idempotency_key": key})).id


def is_there(line: StripeClient, id_: str) -> bool:
    """Whether the customer still exists; a deleted one is reported as such. Raises StripeTrouble."""
    try:
        found = line.ask(lambda stripe: stripe.v1.customers.retrieve(id_))
    except ResourceMissing:
        return False
    return not getattr(found, "deleted", False)


def cards(line: StripeClient, customer: str) -> list[Card]:
    """The newest first. Raises StripeTrouble."""
    found = line.ask(
        lambda stripe: stripe.v1.customers.payment_methods.list(customer, {"type": "card", "limit": MOST_CARDS})
    )
    return [card for each in found.data if (card := parsing.card(each)) is not None]


def card(line: StripeClient, id_: str) -> Card | None:
    """None for what is no card. Raises StripeTrouble."""
    return parsing.card(line.ask(lambda stripe: stripe.v1.payment_methods.retrieve(id_)))


def attach_card(line: StripeClient, id_: str, customer: str) -> Card | None:
    """Saves a card for the customer. Raises StripeTrouble."""
    body = line.ask(lambda stripe: stripe.v1.payment_methods.attach(id_, {"customer": customer}))
    return parsing.card(body)


def remove_card(line: StripeClient, id_: str) -> None:
    """The card can be charged no more. Raises StripeTrouble: Rejected when it was removed before."""
    line.ask(lambda stripe: stripe.v1.payment_methods.detach(id_))
