"""What Stripe is told beside an amount: opaque refs and amounts, from which a payment can be rebuilt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portico.domain.billing.models import Invoice

ATTEMPT = "portico_attempt"
ACCOUNT = "portico_account"
CLIENT = "portico_client"
INVOICES = "portico_invoices"
REFUND = "portico_refund"
# Stripe takes 500 signs a value and 50 values: 17 invoices a value, 700 in all.
PER_VALUE = 17


@dataclass(frozen=True)
class Part:
    """An invoice's ref, and what of the payment is meant for it."""

    invoice: str
    amount_minor: int


@dataclass(frozen=True)
class Told:
    attempt: str
    account: str
    client: str
    parts: tuple[Part, ...]


def written(*, attempt: str, account: str, client: str, invoices: Iterable[Invoice]) -> dict[str, str]:
    words = {ATTEMPT: attempt, ACCOUNT: account, CLIENT: client}
    parts = [f"{invoice.ref}:{invoice.still_open_minor}" for invoice in invoices]
    for number, begin in enumerate(range(0, len(parts), PER_VALUE)):
        words[f"{INVOICES}_{number}" if number else INVOICES] = ",".join(parts[begin : begin + PER_VALUE])
    return words


def read(words: Mapping[str, str]) -> Told | None:
    """None for what Portico never wrote."""
    if not words.get(ATTEMPT) or not words.get(CLIENT):
        return None
    values = [words[INVOICES]] if INVOICES in words else []
    number = 1
    while f"{INVOICES}_{number}" in words:
        values.append(words[f"{INVOICES}_{number}"])
        number += 1
    parts = [_part(text) for value in values for text in value.split(",")]
    return Told(words[ATTEMPT], words.get(ACCOUNT, ""), words[CLIENT], tuple(part for part in parts if part))


def name_of(invoices: Iterable[Invoice]) -> str:
    """What the card's owner reads at Stripe: Invoice 1043; nothing of what it is for."""
    # Not translated: a call that is repeated must say the same, whoever repeats it.
    numbers = [str(invoice.number) for invoice in invoices]
    shown = ", ".join(numbers[:10])
    return f"Invoice {shown}" if len(numbers) == 1 else f"Invoices {shown}{' …' if len(numbers) > 10 else ''}"


def _part(text: str) -> Part | None:
    ref, _colon, amount = text.partition(":")
    if not (ref.isascii() and ref.isalnum() and amount.isascii() and amount.isdigit() and len(amount) < 12):
        return None
    return Part(ref, int(amount))
