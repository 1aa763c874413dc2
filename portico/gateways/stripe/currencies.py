"""Amounts converted between our minor units and Stripe's, by the table of currencies."""

from portico import currency_table
from portico.currency_table import Currency


class CannotBeCharged(ValueError):
    """Stripe does not accept this amount, or this currency at all."""


class NotInTheTable(CannotBeCharged):
    """The currency is not one that a practice can use."""


class NotInSteps(CannotBeCharged):
    """The amount is not a multiple of the step in which Stripe charges this currency: 12.345 KWD, 5,000.20 MGA."""


class OutOfRange(CannotBeCharged):
    """The amount is zero, negative or above the limit for one charge."""


def is_known(currency: str) -> bool:
    return currency_table.is_known(currency)


def minimum_charge_minor(currency: str) -> int:
    """Returns the smallest amount that can be charged, in our minor units."""
    known = currency_table.CURRENCIES.get(currency.upper())
    return known.min_charge_minor if known else 1


def step_minor(currency: str) -> int:
    """Returns the step that a charged amount must be a multiple of, in our minor units. Raises NotInTheTable."""
    return _known(currency).step_minor


def to_stripe(amount_minor: int, currency: str) -> int:
    """Converts our minor units into Stripe's, exactly. Raises CannotBeCharged."""
    known = _known(currency)
    if amount_minor % known.step_minor:
        raise NotInSteps(f"{amount_minor} {currency}")
    amount = _rescaled(amount_minor, known.digits, known.stripe_digits)
    if amount is None or not 0 < amount <= known.max_at_stripe:
        raise OutOfRange(f"{amount_minor} {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Converts Stripe's minor units into ours. Raises CannotBeCharged if the result is not a whole number."""
    known = _known(currency)
    minor = _rescaled(amount, known.stripe_digits, known.digits)
    if minor is None:
        raise NotInSteps(f"{amount} {currency} at Stripe")
    return minor


def as_reported(amount: int, currency: str) -> int:
    """Converts an amount that Stripe reports into our minor units; unchanged for a currency outside the table."""
    return from_stripe(amount, currency) if is_known(currency) else amount


def _rescaled(amount: int, digits: int, other_digits: int) -> int | None:
    """Returns the amount with another number of decimals; None if it would have to be rounded."""
    factor: int = 10 ** max(other_digits - digits, 0)
    divisor: int = 10 ** max(digits - other_digits, 0)
    whole, remainder = divmod(amount * factor, divisor)
    return None if remainder else whole


def _known(currency: str) -> Currency:
    try:
        return currency_table.CURRENCIES[currency.upper()]
    except KeyError:
        raise NotInTheTable(f"The table has no {currency}") from None
