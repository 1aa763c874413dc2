"""Customers, and the cards that they have saved."""

from collections.abc import Mapping

from portico.gateways.stripe import reading
from portico.gateways.stripe.line import Line
from portico.gateways.stripe.things import Card

MOST_CARDS = 100


def create(line: Line, *, email: str, metadata: Mapping[str, str], key: str) -> str:
    """A customer's id. `key` is the idempotency key. Raises StripeTrouble."""
    made = line.ask(
        lambda stripe: stripe.v1.customers.create(
            {"email": email, "metadata": dict(metadata)}, {"idempotency_key": key}
        )
    )
    return made.id


def cards(line: Line, customer: str) -> list[Card]:
    """The newest first. Raises StripeTrouble."""
    found = line.ask(
        lambda stripe: stripe.v1.customers.payment_methods.list(customer, {"type": "card", "limit": MOST_CARDS})
    )
    return [card for each in found.data if (card := reading.card(each)) is not None]


def card(line: Line, id_: str) -> Card | None:
    """None for what is no card. Raises StripeTrouble."""
    return reading.card(line.ask(lambda stripe: stripe.v1.payment_methods.retrieve(id_)))


def attach_card(line: Line, id_: str, customer: str) -> Card | None:
    """Saves a card for the customer. Raises StripeTrouble."""
    body = line.ask(lambda stripe: stripe.v1.payment_methods.attach(id_, {"customer": customer}))
    return reading.card(body)


def remove_card(line: Line, id_: str) -> None:
    """The card can be charged no more. Raises StripeTrouble: Rejected when it was removed before."""
    line.ask(lambda stripe: stripe.v1.payment_methods.detach(id_))
