"""The currencies that a practice can bill in: their decimals here and at Stripe, and the limits of a charge.

This is the only table of minor units. Pages, forms and PDFs use `digits`, the Stripe gateway the rest, so that they
cannot disagree. A currency that is not in it cannot be set up.

Decimals here are those of ISO 4217 (not CLDR's, which describe cash). Decimals and limits at Stripe are those of
https://docs.stripe.com/currencies and of the `amount` parameter in Stripe's SDK; see docs/decisions/0014.
"""

from dataclasses import dataclass
from math import gcd

# Two decimals, here and at Stripe. HUF and TWD are among them: only Stripe's payouts of them must be whole.
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST "
    "XCD YER ZAR ZMW"
)
# No decimals, here and at Stripe.
_NONE = "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF"
# No decimals here; Stripe counts hundredths, which must be whole units.
_NONE_BUT_TWO_AT_STRIPE = "ISK UGX"
# Two decimals here; none at Stripe.
_TWO_BUT_NONE_AT_STRIPE = "MGA"
# Three decimals, here and at Stripe; the last digit of a charge must be 0.
_THREE = "BHD JOD KWD OMR TND"

# The smallest charge, in our minor units. If Stripe's page has none, Stripe's response decides.
_MINIMUM_CHARGES = {
    "AED": 200,
    "ARS": 50,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "COP": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "IDR": 50,
    "ILS": 50,
    "INR": 50,
    "JPY": 50,
    "KRW": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PHP": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
    "USD": 50,
    "ZAR": 50,
}
# The number of digits of the largest charge, in Stripe's minor units.
_MAX_DIGITS = 8
_MAX_DIGITS_BY_CURRENCY = {"IDR": 12, "COP": 10, "INR": 9}

# For showing amounts in a currency outside the table, which can be neither set up nor charged.
USUAL_DIGITS = 2


@dataclass(frozen=True)
class Currency:
    """`digits` here, `stripe_digits` at Stripe; a charge there is a multiple of `step_at_stripe`."""

    digits: int
    stripe_digits: int
    step_at_stripe: int
    min_charge_minor: int
    max_at_stripe: int

    @property
    def step_minor(self) -> int:
        """The step, in our minor units, of which an amount must be a multiple to be charged exactly."""
        factor: int = 10 ** max(self.stripe_digits - self.digits, 0)
        divisor: int = 10 ** max(self.digits - self.stripe_digits, 0)
        return self.step_at_stripe // gcd(self.step_at_stripe, factor) * divisor


def _rows(codes: str, *, digits: int, stripe_digits: int, step: int = 1) -> dict[str, Currency]:
    return {
        code: Currency(
            digits,
            stripe_digits,
            step,
            _MINIMUM_CHARGES.get(code, 1),
            10 ** _MAX_DIGITS_BY_CURRENCY.get(code, _MAX_DIGITS) - 1,
        )
        for code in codes.split()
    }


CURRENCIES: dict[str, Currency] = {
    **_rows(_TWO, digits=2, stripe_digits=2),
    **_rows(_NONE, digits=0, stripe_digits=0),
    **_rows(_NONE_BUT_TWO_AT_STRIPE, digits=0, stripe_digits=2, step=100),
    **_rows(_TWO_BUT_NONE_AT_STRIPE, digits=2, stripe_digits=0),
    **_rows(_THREE, digits=3, stripe_digits=3, step=10),
}


def is_known(code: str) -> bool:
    return code.upper() in CURRENCIES


def digits_of(code: str) -> int:
    """Returns the number of decimals of the currency: 2 for USD, 0 for JPY, 3 for KWD."""
    known = CURRENCIES.get(code)
    return known.digits if known else USUAL_DIGITS
