"""Money: formatting with all decimals, and exact parsing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.text import money
from portico.plumbing.text.money import InvalidAmount


@pytest.mark.parametrize(
    ("minor", "currency", "language", "written"),
    [
        (14_000, "USD", "en", "$140.00"),
        (123_456_789, "USD", "en", "$1,234,567.89"),
        (-14_000, "USD", "en", "−$140.00"),
        (0, "USD", "en", "$0.00"),
        (14_000, "USD", "es", "$140.00"),
        (14_000, "EUR", "en", "€140.00"),
        (123_456, "EUR", "es", "EUR\xa01,234.56"),
        (14_000, "JPY", "en", "¥14,000"),
        (14_500, "KWD", "en", "KWD\xa014.500"),
    ],
)
def test_amounts_have_all_decimals(minor: int, currency: str, language: str, written: str) -> None:
    assert money.formatted(minor, currency, language=language) == written


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("140", "USD", 14_000),
        ("140.", "USD", 14_000),
        ("140.5", "USD", 14_050),
        (" $1,234.50 ", "USD", 123_450),
        ("USD 12", "USD", 1_200),
        ("-20.00", "USD", -2_000),
        ("−$20", "USD", -2_000),
        ("0.01", "USD", 1),
        ("14000", "JPY", 14_000),
        ("14.5", "KWD", 14_500),
        (".5", "USD", 50),
        (",5", "USD", 50),
        ("140,50", "USD", 14_050),
        ("1,250", "USD", 125_000),
        ("1 250,00", "USD", 125_000),
        ("1\xa0250,00\xa0$", "USD", 125_000),
        ("1.250,00", "EUR", 125_000),
        ("1.250.000", "USD", 125_000_000),
        ("1.250.000,5", "USD", 125_000_050),
        ("1’250.00", "CHF", 125_000),
        ("1,250", "KWD", 1_250_000),
        ("1.250,000", "KWD", 1_250_000),
        ("１４０．５０", "USD", 14_050),
        ("＄１，２５０", "USD", 125_000),
        ("￥14,000", "JPY", 14_000),
        ("١٤٠٫٥٠", "USD", 14_050),
        ("٣", "USD", 300),
        ("20-", "USD", -2_000),
        ("$20.00 −", "USD", -2_000),
        ("$-20", "USD", -2_000),
        ("- 20", "USD", -2_000),
        ("(20.00)", "USD", -2_000),
        ("($20)", "USD", -2_000),
        ("–20", "USD", -2_000),
        ("US$ 12", "USD", 1_200),
        ("12 usd", "USD", 1_200),
        ("$12", "CAD", 1_200),
        ("CA$12", "CAD", 1_200),
        ("12 €", "EUR", 1_200),
    ],
)
def test_typed_amounts_are_parsed_exactly(typed: str, currency: str, minor: int) -> None:
    assert money.parsed(typed, currency) == minor


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abc",
        "1.2.3",
        "12.345",
        "1,2345",
        "1,234,56",
        "1,234,567,89",
        "1.234.567.8",
        "1,23,456",
        "1 25",
        "12 50",
        "12 345 6",
        ".",
        ",",
        "-",
        "()",
        "-20-",
        "(-20)",
        "(20",
        "2-0",
        "5²",
        "½",
        "1e3",
        "--1",
        "NaN",
        "infinity",
        "0x10",
        "100000000000",
        "1 $ $",
    ],
)
def test_an_invalid_amount_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        money.parsed(typed, "USD")
    assert str(refused.value).endswith(".")


def test_yen_have_no_decimals() -> None:
    with pytest.raises(InvalidAmount, match="no decimals"):
        money.parsed("140.50", "JPY")


@given(st.integers(-money.MAX_MINOR, money.MAX_MINOR), st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
def test_formatted_amounts_are_parsed_back(minor: int, currency: str) -> None:
    assert money.parsed(money.formatted(minor, currency, language="en"), currency) == minor
    assert money.parsed(money.plain_decimal(minor, currency), currency) == minor
