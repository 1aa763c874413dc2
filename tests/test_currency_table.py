"""The table of minor units: typed and charged amounts agree in every currency."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico import currency_table
from portico.currency_table import CURRENCIES
from portico.gateways.stripe import currencies as at_stripe
from portico.plumbing.text import money

# Copied from https://docs.stripe.com/currencies, independently of the table.
WHOLE_AT_STRIPE = set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())  # noqa: SIM905
THOUSANDTHS = ("BHD", "JOD", "KWD", "OMR", "TND")
EVERY = sorted(CURRENCIES)


def hundredths(code: str) -> int:
    """Returns the amount that Stripe expects for one unit of the currency."""
    return 1 if code in WHOLE_AT_STRIPE else 1_000 if code in THOUSANDTHS else 100


@pytest.mark.parametrize("code", EVERY)
def test_a_typed_amount_is_charged_unchanged(code: str) -> None:
    for typed in ("5,000", "5,000.00" if currency_table.digits_of(code) == 2 else "5000"):
        minor = money.parsed(typed, code)
        charged = at_stripe.to_stripe(minor, code)
        assert charged == 5_000 * hundredths(code)
        shown = money.formatted(at_stripe.from_stripe(charged, code), code, language="en")
        assert shown == money.formatted(minor, code, language="en")
        assert money.parsed(shown, code) == minor


@given(st.sampled_from(EVERY), st.integers(1, 999_999))
def test_chargeable_amounts_survive_conversion(code: str, units: int) -> None:
    minor = units * CURRENCIES[code].step_minor
    typed = money.plain_decimal(minor, code)
    try:
        charged = at_stripe.to_stripe(money.parsed(typed, code), code)
    except at_stripe.OutOfRange:
        assert minor * hundredths(code) > 99_999_999
        return
    assert charged * 10 ** currency_table.digits_of(code) == minor * hundredths(code)
    assert money.plain_decimal(at_stripe.from_stripe(charged, code), code) == typed


@pytest.mark.parametrize("code", EVERY)
def test_amounts_that_stripe_reports_are_converted(code: str) -> None:
    minor = at_stripe.as_reported(7 * hundredths(code), code)
    assert money.decimal_of(minor, code) == 7


@pytest.mark.parametrize("code", [*THOUSANDTHS, "MGA"])
def test_amounts_between_steps_are_refused(code: str) -> None:
    step = at_stripe.step_minor(code)
    assert step == (100 if code == "MGA" else 10)
    for minor in (1, step - 1, step + 1, 12_345):
        with pytest.raises(at_stripe.NotInSteps):
            at_stripe.to_stripe(minor, code)


@pytest.mark.parametrize("code", ["HUF", "TWD", "ISK", "UGX", "JPY", "USD"])
def test_other_currencies_are_charged_exactly(code: str) -> None:
    assert at_stripe.step_minor(code) == 1


def test_the_maximum_charge_is_stripes() -> None:
    assert at_stripe.to_stripe(99_999_999, "USD") == 99_999_999
    assert at_stripe.to_stripe(500_000_000, "IDR") == 500_000_000
    for minor, code in ((100_000_000, "USD"), (1_000_000, "ISK"), (10_000_000_000, "COP"), (1_000_000_000, "INR")):
        with pytest.raises(at_stripe.OutOfRange):
            at_stripe.to_stripe(minor, code)


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(at_stripe.NotInTheTable):
        at_stripe.to_stripe(100, "XXX")
    assert at_stripe.as_reported(12_345, "CLF") == 12_345


def test_there_is_only_one_currency_table() -> None:
    """No other module of Portico lists currencies."""
    tables = []
    for path in Path("portico").rglob("*.py"):
        if "sandbox" in path.parts or path.name == "currency_table.py":
            continue
        texts = {str(node.value) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        words = {word for text in texts for word in text.split()}
        tables += [str(path)] if len(words & set(CURRENCIES)) > 4 else []
    assert tables == []
