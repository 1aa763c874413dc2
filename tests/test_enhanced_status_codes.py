"""Codes of RFC 3463 in the words of servers: the same in replies, reports and events of providers."""

import pytest

from portico import enhanced_status_codes as codes


@pytest.mark.parametrize("text", ["5.1.1 No such user", "5.1.1", " 5.1.1: no", "5.1.1. No", "5.1.1\tNo"])
def test_a_leading_code_is_found(text: str) -> None:
    assert codes.leading_in(text) == "5.1.1"


@pytest.mark.parametrize("text", ["See 5.1.1", "5.1.1.7 is an address", "3.1.1 No", "5.1", "5.1.1234", "٥.1.1", ""])
def test_what_only_resembles_a_leading_code_is_none(text: str) -> None:
    assert codes.leading_in(text) == ""


def test_every_code_in_a_text_is_found() -> None:
    assert codes.all_in("550-5.7.1 blocked, see 192.0.2.5.1.1 (5.1.10). It said 4.2.2.") == ["5.7.1", "5.1.10", "4.2.2"]


def test_a_code_is_nothing_but_a_code() -> None:
    assert codes.is_code("5.1.10")
    assert not codes.is_code("5.1.1 No")
    assert not codes.is_code("550")
