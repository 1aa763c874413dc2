"""What Stripe is told beside an amount: opaque refs and amounts, from which a payment can be rebuilt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portico.domain.billing.models import Invoice

ATTEMPT = "portico_attempt"
ACCOUNT = "portico_account"
CLIENT = "portico_client"
INVOICES = "portico_invoices"
REFUND = "portico_refund"
LEFT_OUT = "portico_invoices_left_out"
# https://docs.stripe.com/api/metadata. One key is kept free for the count of those left out.
MOST_KEYS = 50
LONGEST_VALUE = 500


@dataclass(frozen=True)
class InvoiceShare:
    """An invoice's ref, and what of the payment is meant for it."""

    invoice: str
    amount_minor: int


@dataclass(frozen=True)
class PaymentMetadata:
    attempt: str
    account: str
    client: str
    parts: tuple[InvoiceShare, ...]
    # How many invoices of the payment are not among the parts, because Stripe's limits left no room.
    left_out: int = 0


def build(*, attempt: str, account: str, client: str, invoices: Iterable[Invoice]) -> dict[str, str]:
    """What the payment is for, within Stripe's limits: some 800 invoices by name, of the others how many they are.

    The attempt's own rows name them all; this is what is left when those rows are lost.
    """
    words = {ATTEMPT: attempt, ACCOUNT: account, CLIENT: client}
    values, left_out = _packed([f"{invoice.ref}:{invoice.still_open_minor}" for invoice in invoices])
    words |= {_name_of(number): value for number, value in enumerate(values)}
    if left_out:
        words[LEFT_OUT] = str(left_out)
    return words


def parse(words: Mapping[str, str]) -> PaymentMetadata | None:
    """None for what Portico never wrote."""
    if not words.get(ATTEMPT) or not words.get(CLIENT):
        return None
    values = [words[_name_of(number)] for number in range(MOST_KEYS) if _name_of(number) in words]
    parts = [_part(text) for value in values for text in value.split(",")]
    left_out = words.get(LEFT_OUT, "")
    return PaymentMetadata(
        words[ATTEMPT],
        words.get(ACCOUNT, ""),
        words[CLIENT],
        tuple(part for part in parts if part),
        int(left_out) if left_out.isascii() and left_out.isdigit() and len(left_out) < 9 else 0,
    )


def name_of(invoices: Iterable[Invoice]) -> str:
    """What the card's owner reads at Stripe: Invoice 1043; nothing of what it is for."""
    # Not translated: a call that is repeated must say the same, whoever repeats it.
    numbers = [str(invoice.number) for invoice in invoices]
    shown = ", ".join(numbers[:10])
    return f"Invoice {shown}" if len(numbers) == 1 else f"Invoices {shown}{' …' if len(numbers) > 10 else ''}"


def _name_of(number: int) -> str:
    return f"{INVOICES}_{number}" if number else INVOICES


def _packed(parts: list[str]) -> tuple[list[str], int]:
    """The parts in as few values as hold them, and how many found no room."""
    values: list[str] = []
    for placed, part in enumerate(parts):
        if values and len(values[-1]) + 1 + len(part) <= LONGEST_VALUE:
            values[-1] += f",{part}"
        elif len(values) < MOST_KEYS - 4:
            values.append(part)
        else:
            return values, len(parts) - placed
    return values, 0


def _part(text: str) -> InvoiceShare | None:
    ref, _colon, amount = text.partition(":")
    if not (ref.isascii() and ref.isalnum() and amount.isascii() and amount.isdigit() and len(amount) < 12):
        return None
    return InvoiceShare(ref, int(amount))
