"""Metadata on Stripe objects: opaque refs and amounts from which a payment can be rebuilt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portico.domain.billing.models import Invoice

ATTEMPT = "portico_attempt"
ACCOUNT = "portico_account"
CLIENT = "portico_client"
INVOICES = "portico_invoices"
REFUND = "portico_refund"
LEFT_OUT = "portico_invoices_left_out"
# https://docs.stripe.com/api/metadata. One key is reserved for the number of invoices left out.
MAX_KEYS = 50
MAX_VALUE_LENGTH = 500


@dataclass(frozen=True)
class InvoiceShare:
    """An invoice's ref and the amount of the payment meant for it, in minor units."""

    invoice: str
    amount_minor: int


@dataclass(frozen=True)
class PaymentMetadata:
    attempt: str
    account: str
    client: str
    parts: tuple[InvoiceShare, ...]
    # The number of invoices of the payment that did not fit into Stripe's limits.
    left_out: int = 0


def build(*, attempt: str, account: str, client: str, invoices: Iterable[Invoice]) -> dict[str, str]:
    """Returns the metadata of a payment: about 800 invoices with their amounts, and the number of those left out.

    It is needed only if the attempt's own rows, which list every invoice, are lost.
    """
    metadata = {ATTEMPT: attempt, ACCOUNT: account, CLIENT: client}
    values, left_out = _pack([f"{invoice.ref}:{invoice.still_open_minor}" for invoice in invoices])
    metadata |= {_key_name(number): value for number, value in enumerate(values)}
    if left_out:
        metadata[LEFT_OUT] = str(left_out)
    return metadata


def parse(metadata: Mapping[str, str]) -> PaymentMetadata | None:
    """Returns the parsed metadata; None if Portico did not write it."""
    if not metadata.get(ATTEMPT) or not metadata.get(CLIENT):
        return None
    values = [metadata[_key_name(number)] for number in range(MAX_KEYS) if _key_name(number) in metadata]
    parts = [_parse_share(text) for value in values for text in value.split(",")]
    left_out = metadata.get(LEFT_OUT, "")
    return PaymentMetadata(
        metadata[ATTEMPT],
        metadata.get(ACCOUNT, ""),
        metadata[CLIENT],
        tuple(part for part in parts if part),
        int(left_out) if left_out.isascii() and left_out.isdigit() and len(left_out) < 9 else 0,
    )


def name_of(invoices: Iterable[Invoice]) -> str:
    """Returns the description that the cardholder sees at Stripe: Invoice 1043. It does not say what was billed."""
    # Not translated: a repeated call must have the same parameters, whatever the language of its request.
    numbers = [str(invoice.number) for invoice in invoices]
    shown = ", ".join(numbers[:10])
    return f"Invoice {shown}" if len(numbers) == 1 else f"Invoices {shown}{' …' if len(numbers) > 10 else ''}"


def _key_name(number: int) -> str:
    return f"{INVOICES}_{number}" if number else INVOICES


def _pack(parts: list[str]) -> tuple[list[str], int]:
    """Joins the parts into as few values as possible; returns them and the number of parts that did not fit."""
    values: list[str] = []
    for placed, part in enumerate(parts):
        if values and len(values[-1]) + 1 + len(part) <= MAX_VALUE_LENGTH:
            values[-1] += f",{part}"
        elif len(values) < MAX_KEYS - 4:
            values.append(part)
        else:
            return values, len(parts) - placed
    return values, 0


def _parse_share(text: str) -> InvoiceShare | None:
    ref, _colon, amount = text.partition(":")
    if not (ref.isascii() and ref.isalnum() and amount.isascii() and amount.isdigit() and len(amount) < 12):
        return None
    return InvoiceShare(ref, int(amount))
