"""Dates: parsing of typed dates in the order of the country, and formatting."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.text import date_input
from portico.plumbing.text.date_input import NotADate

TODAY = date(2026, 11, 25)
APRIL_7 = date(1988, 4, 7)


def read(typed: str, *, country: str = "US", is_past: bool = True) -> date:
    return date_input.parsed(typed, country=country, today=TODAY, is_past=is_past)


@pytest.mark.parametrize(
    "typed",
    [
        *("04/07/1988", "4/7/1988", "4/7/88", "04-07-1988", "4-7-1988", "4.7.1988", "4 7 1988", "4,7,1988"),
        *("04071988", "4071988", "040788", "19880407", "1988-04-07", "1988/4/7", "1988.04.07"),
        *("Apr 7 1988", "Apr. 7, 1988", "April 7, 1988", "APRIL 7 1988", "april 7th, 1988", "Apr 7 88", "Apr-7-1988"),
        *("7 April 1988", "7 Apr 1988", "7Apr1988", "7-Apr-88", "the 7th of April 1988", "1988 Apr 7"),
        *("7 de abril de 1988", "7 abr 1988", "7 abr. 1988", " 4 / 7 / 1988 "),
        *("4–7–1988", "4‑7‑1988", "４／７／１９８８", "٤/٧/١٩٨٨", "4⁄7⁄1988"),
    ],
)
def test_many_spellings_of_a_date_are_parsed(typed: str) -> None:
    assert read(typed) == APRIL_7


@pytest.mark.parametrize("country", ["GB", "DE", "MX", "ES", "AU"])
@pytest.mark.parametrize(
    "typed", ["07/04/1988", "7/4/88", "7.4.1988", "07041988", "070488", "Apr 7 1988", "1988-04-07"]
)
def test_the_order_depends_on_the_country(country: str, typed: str) -> None:
    assert read(typed, country=country) == APRIL_7


@pytest.mark.parametrize(
    "typed",
    [
        *("", "tomorrow", "4/7", "1988", "April 1988", "Apr", "4/7/1988/2", "4/7/1988 10:00", "4:7:1988", "<4/7/1988>"),
        *("13/04/1988", "25/12/1988", "02/30/1988", "2/29/2023", "0/7/1988", "4/0/1988", "04/31/1988", "Feb 30 1988"),
        *("13041988", "99999999", "1234567890", "12345", "4/7/188", "4/7/0088", "4/7/2988", "4/007/1988", "5²/7/1988"),
        *("Foo 7 1988", "Ap 7 1988", "Apr Apr 1988", "Apr 7 Apr", "88-04-07"),
    ],
)
def test_an_invalid_date_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(NotADate, match=r"as MM/DD/YYYY, such as 04/18/1989\.$"):
        read(typed)


@pytest.mark.parametrize("typed", ["1211988", "121988"])
def test_ambiguous_digits_are_refused(typed: str) -> None:
    with pytest.raises(NotADate, match="ambiguous"):
        read(typed)


def test_the_example_is_in_the_order_of_the_country() -> None:
    with pytest.raises(NotADate, match=r"as DD/MM/YYYY, such as 18/04/1989\.$"):
        read("tomorrow", country="GB")


@pytest.mark.parametrize(
    ("typed", "born", "due"),
    [
        ("11/25/26", date(2026, 11, 25), date(2026, 11, 25)),
        ("11/26/26", date(1926, 11, 26), date(2026, 11, 26)),
        ("1/2/27", date(1927, 1, 2), date(2027, 1, 2)),
        ("1/2/00", date(2000, 1, 2), date(2000, 1, 2)),
        ("1/2/75", date(1975, 1, 2), date(2075, 1, 2)),
        ("1/2/77", date(1977, 1, 2), date(1977, 1, 2)),
        ("2/29/24", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_a_two_digit_birth_year_is_in_the_past(typed: str, born: date, due: date) -> None:
    assert read(typed) == born
    assert read(typed, is_past=False) == due


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.sampled_from(["US", "GB", "CA", "JP"]))
def test_formatted_dates_are_parsed_back(day: date, country: str) -> None:
    assert read(date_input.written(day, country), country=country) == day
    assert read(day.isoformat(), country=country) == day
    assert read(date_input.written(day, country).replace("/", ""), country=country) == day


@given(st.dates(TODAY - timedelta(days=36_000), TODAY))
def test_two_digits_cover_the_last_98_years(day: date) -> None:
    assert read(f"{day:%m/%d/%y}") == day


@given(st.text(max_size=20))
def test_no_input_raises_an_unexpected_error(typed: str) -> None:
    try:
        assert date_input.FIRST_YEAR <= read(typed).year <= date_input.LAST_YEAR
    except NotADate as refused:
        assert str(refused).endswith(".")  # noqa: PT017  either is right
