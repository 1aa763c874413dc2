"""Payment intents: charging a saved card, and asking what became of a payment."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from portico.gateways.stripe import money, reading
from portico.gateways.stripe.line import Line
from portico.gateways.stripe.things import Intent

if TYPE_CHECKING:
    import stripe
    from stripe.params import PaymentIntentListParams

WITH_CHARGE = ["latest_charge"]
PAGE = 100


def charge_card(
    line: Line,
    *,
    amount_minor: int,
    currency: str,
    name: str,
    customer: str,
    card: str,
    return_url: str,
    metadata: Mapping[str, str],
    key: str,
) -> Intent:
    """Charges a saved card while its owner is there. The bank may ask first: see `Intent.bank_address`.

    Raises StripeTrouble (CardRefused with the intent), and money.CannotBeCharged before any call.
    """
    amount = money.to_stripe(amount_minor, currency)
    made = line.ask(
        lambda stripe: stripe.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": currency.lower(),
                "customer": customer,
                "payment_method": card,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "return_url": return_url,
                "description": name,
                "metadata": dict(metadata),
                "expand": WITH_CHARGE,
            },
            {"idempotency_key": key},
        )
    )
    return reading.intent(made)


def look_up(line: Line, id_: str) -> Intent:
    """With its newest charge. Raises StripeTrouble."""
    return reading.intent(line.ask(lambda stripe: stripe.v1.payment_intents.retrieve(id_, {"expand": WITH_CHARGE})))


def cancel(line: Line, id_: str) -> Intent:
    """Raises StripeTrouble: Rejected when it is paid, over, or a Checkout's (expire that instead)."""
    return reading.intent(line.ask(lambda stripe: stripe.v1.payment_intents.cancel(id_)))


def of_customer(line: Line, customer: str, *, since: datetime) -> list[Intent]:
    """The newest hundred since then. Raises StripeTrouble."""
    found = _list(
        line,
        {
            "customer": customer,
            "created": {"gte": int(since.timestamp())},
            "limit": PAGE,
            "expand": ["data.latest_charge"],
        },
    )
    return [reading.intent(each) for each in found.data]


def between(line: Line, since: datetime, until: datetime) -> Iterator[Intent]:
    """Every intent made from `since` to before `until`, newest first, page by page. Raises StripeTrouble."""
    page: PaymentIntentListParams = {
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
        "limit": PAGE,
        "expand": ["data.latest_charge"],
    }
    while True:
        found = _list(line, page)
        yield from (reading.intent(each) for each in found.data)
        if not found.has_more or not found.data:
            return
        page = {**page, "starting_after": found.data[-1].id}


def _list(line: Line, page: "PaymentIntentListParams") -> "stripe.ListObject[stripe.PaymentIntent]":
    return line.ask(lambda stripe: stripe.v1.payment_intents.list(page))
