"""Detection of card numbers by their format and checksum."""

import time

import pytest

from portico.plumbing.security import card_numbers
from portico.plumbing.text.input_validation import holds_card_number

VISA, AMEX, DINERS, UNIONPAY = "4242424242424242", "378282246310005", "30569309025904", "6205500000000000004"


@pytest.mark.parametrize(
    "text",
    [
        *(VISA, AMEX, DINERS, UNIONPAY, "4222222222222", "6304000000000000"),
        *("4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "4242 - 4242 - 4242 - 4242"),
        *("3782 822463 10005", "42 42 42 42 42 42 42 42", "42424242 42424242", "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2"),
        "His card is 4242 4242 4242 4242, 12/27, 123.",
        "4242 4242 4242 4242 12 27",
        "Card:4242424242424242exp",
        "Ring 212 555 0134. Card 4242–4242–4242–4242",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\u200b4242\u200b4242\u200b4242",
        "４２４２ ４２４２ ４２４２ ４２４２",
        "1043 4242 4242 4242 4242",
        "+4242424242424242",
    ],
)
def test_common_spellings_of_card_numbers_are_found(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Ana Abreu", "1182", "+1 212 555 0134", "1-212-555-0134", "+12125550134", "+49 1512 3456789"),
        *("4242424242424241", "4242 4242 4242 4241", "424242424242", "42424242424242424242"),
        "212 555 0134 or 646 555 0199",
        "212 555 0134 646 555 0199",
        "Sessions on 11 23 2026, 11 30 2026 and 12 07 2026",
        "4242 4242\n4242 4242",
        "4242, 4242, 4242, 4242",
        "0000 0000 0000 0000",
        "Invoice 1043 of 04/18/2026, check 1182, $140.00, phone 212-555-0134",
    ],
)
def test_other_numbers_are_not_found(text: str) -> None:
    assert not holds_card_number(text)


def test_only_card_numbers_are_redacted() -> None:
    text = f"{VISA} and 3782 822463 10005; check 1182"
    assert card_numbers.redacted(text, "[card]") == "[card] and [card]; check 1182"
    assert card_numbers.redacted("nothing", "[card]") == "nothing"


@pytest.mark.real_time
@pytest.mark.parametrize("text", ["1 " * 500_000, "1" * 3_000_000, "1234 " * 200_000, "4242424242424241 " * 60_000])
def test_long_texts_are_checked_quickly(text: str) -> None:
    begun = time.process_time()
    holds_card_number(text)
    assert time.process_time() - begun < 1.5
