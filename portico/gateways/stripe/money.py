"""Stripe's own minor units: https://docs.stripe.com/currencies (zero-decimal, three-decimal, special cases, minimums).

Ours follow ISO 4217. Only a few currencies differ, and a currency that is not in the table cannot be set up.
"""

from dataclasses import dataclass

ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
# Without minor units in ISO 4217, but counted in hundredths by Stripe, which must end in 00.
ZERO_BUT_TWO_AT_STRIPE = "ISK UGX"
TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST "
    "XCD YER ZAR ZMW"
)
# The last of the three digits must be 0.
THREE = "BHD JOD KWD OMR TND"

# In our minor units. Where Stripe names none, its own answer decides.
LEAST = {
    "AED": 200,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
    "USD": 50,
}
# Eight digits, in Stripe's minor units.
MOST_AT_STRIPE = 99_999_999


@dataclass(frozen=True)
class Currency:
    """How many of Stripe's minor units are one of ours, and what an amount at Stripe must be a multiple of."""

    factor: int = 1
    step_at_stripe: int = 1


CURRENCIES: dict[str, Currency] = {
    **dict.fromkeys(ZERO.split(), Currency()),
    **dict.fromkeys(ZERO_BUT_TWO_AT_STRIPE.split(), Currency(factor=100)),
    **dict.fromkeys(TWO.split(), Currency()),
    **dict.fromkeys(THREE.split(), Currency(step_at_stripe=10)),
}


class CannotBeCharged(ValueError):
    """Stripe does not take this amount, or this currency at all."""


def is_known(currency: str) -> bool:
    return currency.upper() in CURRENCIES


def least_charge_minor(currency: str) -> int:
    """The smallest amount that may be charged, in our minor units."""
    return LEAST.get(currency.upper(), 1)


def to_stripe(amount_minor: int, currency: str) -> int:
    """Our minor units as Stripe counts them. Raises CannotBeCharged."""
    known = _known(currency)
    amount = amount_minor * known.factor
    if amount % known.step_at_stripe or not 0 < amount <= MOST_AT_STRIPE:
        raise CannotBeCharged(f"{amount_minor} {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's minor units as we count them. Raises CannotBeCharged when that is no whole number."""
    known = _known(currency)
    minor, rest = divmod(amount, known.factor)
    if rest:
        raise CannotBeCharged(f"{amount} {currency} at Stripe")
    return minor


def _known(currency: str) -> Currency:
    try:
        return CURRENCIES[currency.upper()]
    except KeyError:
        raise CannotBeCharged(f"Stripe's table has no {currency}") from None
