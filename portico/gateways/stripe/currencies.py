"""Our minor units as Stripe counts them, and back, by the one table of currencies."""

from portico import currency_table
from portico.currency_table import Currency


class CannotBeCharged(ValueError):
    """Stripe does not take this amount, or this currency at all."""


class NotInTheTable(CannotBeCharged):
    """The currency is none of those that a practice can use."""


class BetweenSteps(CannotBeCharged):
    """Stripe charges this currency in steps, and the amount is not a multiple of one: 12.345 KWD, 5,000.20 MGA."""


class OutOfRange(CannotBeCharged):
    """Nothing or less, or more than one charge can be."""


def is_known(currency: str) -> bool:
    return currency_table.is_known(currency)


def minimum_charge_minor(currency: str) -> int:
    """The smallest amount that may be charged, in our minor units."""
    known = currency_table.CURRENCIES.get(currency.upper())
    return known.least_minor if known else 1


def step_minor(currency: str) -> int:
    """What an amount must be a multiple of to be charged, in our minor units. Raises NotInTheTable."""
    return _known(currency).step_minor


def to_stripe(amount_minor: int, currency: str) -> int:
    """Our minor units as Stripe counts them, exactly. Raises CannotBeCharged."""
    known = _known(currency)
    if amount_minor % known.step_minor:
        raise BetweenSteps(f"{amount_minor} {currency}")
    amount = _rescaled(amount_minor, known.digits, known.stripe_digits)
    if amount is None or not 0 < amount <= known.most_at_stripe:
        raise OutOfRange(f"{amount_minor} {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's minor units as we count them. Raises CannotBeCharged when that is no whole number."""
    known = _known(currency)
    minor = _rescaled(amount, known.stripe_digits, known.digits)
    if minor is None:
        raise BetweenSteps(f"{amount} {currency} at Stripe")
    return minor


def as_reported(amount: int, currency: str) -> int:
    """The same for what Stripe reports, which may be in any currency: one that no practice can use stays as it is."""
    return from_stripe(amount, currency) if is_known(currency) else amount


def _rescaled(amount: int, digits: int, other_digits: int) -> int | None:
    """The amount with another number of decimals; None when it would have to be rounded."""
    up: int = 10 ** max(other_digits - digits, 0)
    down: int = 10 ** max(digits - other_digits, 0)
    whole, rest = divmod(amount * up, down)
    return None if rest else whole


def _known(currency: str) -> Currency:
    try:
        return currency_table.CURRENCIES[currency.upper()]
    except KeyError:
        raise NotInTheTable(f"The table has no {currency}") from None
