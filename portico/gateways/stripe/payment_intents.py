"""Payment intents: charging a saved card, and looking up, listing and canceling payments."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from portico.gateways.stripe import currencies, parsing
from portico.gateways.stripe.client import StripeClient, created_between
from portico.gateways.stripe.objects import PaymentIntent

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

WITH_CHARGE = ["latest_charge"]
# The most that Stripe lists on one page.
PAGE_SIZE = 100


def charge_card(
    client: StripeClient,
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
    """Charges a saved card while its owner is present, whom the bank may have authenticate: see `bank_address`.

    Raises StripeCallFailed (CardDeclined has the intent), and currencies.CannotBeCharged before any call.
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
    created = client.call(lambda stripe: stripe.v1.payment_intents.create(params, {"idempotency_key": key}))
    return parsing.intent(created)


def look_up(client: StripeClient, id_: str) -> PaymentIntent:
    """Returns the payment intent with its newest charge. Raises StripeCallFailed."""
    return parsing.intent(client.call(lambda stripe: stripe.v1.payment_intents.retrieve(id_, {"expand": WITH_CHARGE})))


def cancel(client: StripeClient, id_: str) -> PaymentIntent:
    """Cancels a payment intent.

    Raises StripeCallFailed: RequestRejected if it is paid, canceled or a Checkout session's (expire that instead).
    """
    return parsing.intent(client.call(lambda stripe: stripe.v1.payment_intents.cancel(id_)))


def of_customer(client: StripeClient, customer: str, *, since: datetime) -> list[PaymentIntent]:
    """Returns the customer's newest hundred payment intents created since then. Raises StripeCallFailed."""
    found = client.call(
        lambda stripe: stripe.v1.payment_intents.list(
            {
                "customer": customer,
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE_SIZE,
                "expand": ["data.latest_charge"],
            }
        )
    )
    return [parsing.intent(each) for each in found.data]


def between(client: StripeClient, since: datetime, until: datetime) -> Iterator[PaymentIntent]:
    """Yields every payment intent created from `since` to before `until`, newest first. Raises StripeCallFailed."""
    found = created_between(
        client, lambda stripe, page: stripe.v1.payment_intents.list(page), since, until, expand=["data.latest_charge"]
    )
    return (parsing.intent(each) for each in found)
