"""Payment intents: charging a saved card, and asking what became of a payment."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from portico.gateways.stripe import currencies, pagination, parsing
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.objects import PaymentIntent

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

WITH_CHARGE = ["latest_charge"]
MOST = 100


def charge_card(
    line: StripeClient,
    *,
    amount_minor: int,
    currency: str,
    name: str,
    customer: str,
    card: str,
    return_url: str,
    metadata: Mapping[str, str],
    key: str,
    with_description: bool = True,
) -> PaymentIntent:
    """Charges a saved card while its owner is there. The bank may ask first: see `Intent.bank_address`.

    Raises StripeTrouble (CardRefused with the intent), and money.CannotBeCharged before any call.
    """
    params: PaymentIntentCreateParams = {
        "amount": currencies.to_stripe(amount_minor, currency),
        "currency": currency.lower(),
        "customer": customer,
        "payment_method": card,
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "return_url": return_url,
        "metadata": dict(metadata),
        "expand": WITH_CHARGE,
    }
    if with_description:
        params["description"] = name
    made = line.ask(lambda stripe: stripe.v1.payment_intents.create(params, {"idempotency_key": key}))
    return parsing.intent(made)


def look_up(line: StripeClient, id_: str) -> PaymentIntent:
    """With its newest charge. Raises StripeTrouble."""
    return parsing.intent(line.ask(lambda stripe: stripe.v1.payment_intents.retrieve(id_, {"expand": WITH_CHARGE})))


def cancel(line: StripeClient, id_: str) -> PaymentIntent:
    """Raises StripeTrouble: Rejected when it is paid, over, or a Checkout's (expire that instead)."""
    return parsing.intent(line.ask(lambda stripe: stripe.v1.payment_intents.cancel(id_)))


def of_customer(line: StripeClient, customer: str, *, since: datetime) -> list[PaymentIntent]:
    """The newest hundred since then. Raises StripeTrouble."""
    found = line.ask(
        lambda stripe: stripe.v1.payment_intents.list(
            {
                "customer": customer,
                "created": {"gte": int(since.timestamp())},
                "limit": MOST,
                "expand": ["data.latest_charge"],
            }
        )
    )
    return [parsing.intent(each) for each in found.data]


def between(line: StripeClient, since: datetime, until: datetime) -> Iterator[PaymentIntent]:
    """Every intent made from `since` to before `until`, newest first, page by page. Raises StripeTrouble."""
    found = pagination.made_between(
        line, lambda stripe, page: stripe.v1.payment_intents.list(page), since, until, expand=["data.latest_charge"]
    )
    return (parsing.intent(each) for each in found)
