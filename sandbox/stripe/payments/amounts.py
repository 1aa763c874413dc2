"""Stripe's rules for amounts: https://docs.stripe.com/currencies. Does not use Portico's currency table, on purpose."""

from sandbox.stripe.api_errors import invalid

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Given in hundredths, but only whole units can be charged.
WHOLE_UNITS_ONLY = frozenset({"isk", "ugx"})
NOT_TAKEN = frozenset(["iqd", "lyd", "clf", "uyi", "xau", "xxx"])

# In minor units.
LEAST = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17500, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300,
    "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
MAX_AMOUNT = 99_999_999
MAX_AMOUNT_IN = {"idr": 999_999_999_999, "cop": 9_999_999_999, "inr": 999_999_999}


def decimals_of(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def refuse_amount(amount: int, currency: str) -> None:
    """Raises ApiError for an amount that cannot be charged in the currency."""
    if currency in NOT_TAKEN:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if amount < LEAST.get(currency, 1):
        raise invalid("Amount must be at least the minimum charge amount.", param="amount", code="amount_too_small")
    maximum = MAX_AMOUNT_IN.get(currency, MAX_AMOUNT)
    if amount > maximum:
        raise invalid(f"Amount must be no more than {maximum}.", param="amount", code="amount_too_large")
    refuse_fraction(amount, currency)


def refuse_fraction(amount: int, currency: str) -> None:
    """Raises ApiError for fractions of a unit that Stripe does not charge or refund."""
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(f"Invalid amount. The last digit of amounts in {currency.upper()} must be 0.", param="amount")
    if currency in WHOLE_UNITS_ONLY and amount % 100:
        raise invalid(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts "
            "must be evenly divisible by 100.",
            param="amount",
        )
