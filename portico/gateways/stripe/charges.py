"""Charges, and their refunds and disputes."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from portico.gateways.stripe import currencies, parsing
from portico.gateways.stripe.client import StripeClient, created_between
from portico.gateways.stripe.objects import Charge, StripeDispute, StripeRefund

# The most that Stripe lists on one page.
PAGE_SIZE = 100


def look_up(client: StripeClient, id_: str) -> Charge:
    """Returns the charge of that id. Raises StripeCallFailed."""
    return parsing.charge(client.call(lambda stripe: stripe.v1.charges.retrieve(id_)))


def refund(
    client: StripeClient, charge: str, *, amount_minor: int, currency: str, metadata: Mapping[str, str], key: str
) -> StripeRefund:
    """Refunds the amount to the card it came from.

    Raises StripeCallFailed: RequestRejected if less than that is left to refund.
    """
    amount = currencies.to_stripe(amount_minor, currency)
    created = client.call(
        lambda stripe: stripe.v1.refunds.create(
            {"charge": charge, "amount": amount, "metadata": dict(metadata)}, {"idempotency_key": key}
        )
    )
    return parsing.refund(created)


def refund_look_up(client: StripeClient, id_: str) -> StripeRefund:
    """Returns the refund of that id. Raises StripeCallFailed."""
    return parsing.refund(client.call(lambda stripe: stripe.v1.refunds.retrieve(id_)))


def refunds(client: StripeClient, charge: str) -> list[StripeRefund]:
    """Returns every refund of the charge, wherever it was made, newest first. Raises StripeCallFailed."""
    found = client.call(lambda stripe: stripe.v1.refunds.list({"charge": charge, "limit": PAGE_SIZE}))
    return [parsing.refund(each) for each in found.data]


def dispute_look_up(client: StripeClient, id_: str) -> StripeDispute:
    """Returns the dispute of that id. Raises StripeCallFailed."""
    return parsing.dispute(client.call(lambda stripe: stripe.v1.disputes.retrieve(id_)))


def disputes(client: StripeClient, charge: str) -> list[StripeDispute]:
    """Returns the disputes of the charge, newest first. Raises StripeCallFailed."""
    found = client.call(lambda stripe: stripe.v1.disputes.list({"charge": charge, "limit": PAGE_SIZE}))
    return [parsing.dispute(each) for each in found.data]


def refunds_between(client: StripeClient, since: datetime, until: datetime) -> Iterator[StripeRefund]:
    """Yields every refund created from `since` to before `until`, newest first, however old its charge.

    Raises StripeCallFailed.
    """
    found = created_between(client, lambda stripe, page: stripe.v1.refunds.list(page), since, until)
    return (parsing.refund(each) for each in found)


def disputes_between(client: StripeClient, since: datetime, until: datetime) -> Iterator[StripeDispute]:
    """Yields every dispute created from `since` to before `until`, newest first. Raises StripeCallFailed."""
    found = created_between(client, lambda stripe, page: stripe.v1.disputes.list(page), since, until)
    return (parsing.dispute(each) for each in found)
