"""What becomes of a charge: refunds and disputes."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from portico.gateways.stripe import currencies, pagination, parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.objects import Charge, Dispute, Refund

MOST = 100


def look_up(line: StripeClient, id_: str) -> Charge:
    """Raises StripeTrouble."""
    return parsing.charge(line.ask(lambda stripe: stripe.v1.charges.retrieve(id_)))


def refund(
    line: StripeClient, charge: str, *, amount_minor: int, currency: str, metadata: Mapping[str, str], key: str
) -> Refund:
    """Sends money back to the card it came from. Raises StripeTrouble: Rejected when less is left."""
    amount = currencies.to_stripe(amount_minor, currency)
    made = line.ask(
        lambda stripe: stripe.v1.refunds.create(
            {"charge": charge, "amount": amount, "metadata": dict(metadata)}, {"idempotency_key": key}
        )
    )
    return parsing.refund(made)


def refund_look_up(line: StripeClient, id_: str) -> Refund:
    """Raises StripeTrouble."""
    return parsing.refund(line.ask(lambda stripe: stripe.v1.refunds.retrieve(id_)))


def refunds(line: StripeClient, charge: str) -> list[Refund]:
    """Every refund of the charge, wherever it was made; the newest first. Raises StripeTrouble."""
    found = line.ask(lambda stripe: stripe.v1.refunds.list({"charge": charge, "limit": MOST}))
    return [parsing.refund(each) for each in found.data]


def dispute_look_up(line: StripeClient, id_: str) -> Dispute:
    """Raises StripeTrouble."""
    return parsing.dispute(line.ask(lambda stripe: stripe.v1.disputes.retrieve(id_)))


def disputes(line: StripeClient, charge: str) -> list[Dispute]:
    """Raises StripeTrouble."""
    found = line.ask(lambda stripe: stripe.v1.disputes.list({"charge": charge, "limit": MOST}))
    return [parsing.dispute(each) for each in found.data]


def refunds_between(line: StripeClient, since: datetime, until: datetime) -> Iterator[Refund]:
    """Every refund made from `since` to before `until`, however old its charge; newest first. Raises StripeTrouble."""
    found = pagination.made_between(line, lambda stripe, page: stripe.v1.refunds.list(page), since, until)
    return (parsing.refund(each) for each in found)


def disputes_between(line: StripeClient, since: datetime, until: datetime) -> Iterator[Dispute]:
    """The same for disputes. Raises StripeTrouble."""
    found = pagination.made_between(line, lambda stripe, page: stripe.v1.disputes.list(page), since, until)
    return (parsing.dispute(each) for each in found)
