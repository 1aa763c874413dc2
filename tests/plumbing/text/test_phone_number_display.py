"""Phone numbers: national format at home, international format abroad."""

import pytest

from portico.plumbing.text import phone_number_display


@pytest.mark.parametrize(
    ("number", "at_home", "written"),
    [
        ("+15550100134", "+15550100177", "(555) 010-0134"),
        ("+15550100134", "", "(555) 010-0134"),
        ("+34912345678", "+15550100177", "+34 912 34 56 78"),
        ("+34912345678", "+34911234567", "912 34 56 78"),
        ("ask at the desk", "+15550100177", "ask at the desk"),
        ("+34912345678", "unknown", "912 34 56 78"),
    ],
)
def test_a_number_is_national_at_home_and_international_abroad(number: str, at_home: str, written: str) -> None:
    assert phone_number_display.formatted(number, at_home=at_home) == written
