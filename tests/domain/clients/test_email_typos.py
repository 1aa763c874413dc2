"""Typos in email addresses: likely ones are corrected, plausible addresses are not."""

import pytest

from portico.domain.clients import email_typos


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ana@gmial.com", "ana@gmail.com"),
        ("ana@gmail.con", "ana@gmail.com"),
        ("ana@gmai.com", "ana@gmail.com"),
        ("Ana.B+x@GMAL.com", "Ana.B+x@gmail.com"),
        ("ana@hotmial.com", "ana@hotmail.com"),
        ("ana@yaho.com", "ana@yahoo.com"),
        ("ana@outlok.com", "ana@outlook.com"),
        ("ana@iclould.com", "ana@icloud.com"),
    ],
)
def test_a_typo_of_a_known_domain_is_corrected(typed: str, meant: str) -> None:
    assert email_typos.suggestion(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        *(f"ana@{domain}" for domain in email_typos.KNOWN_DOMAINS),
        "ana@northfield.example",
        "ana@yahoo.fr",
        "ana@hotmail.de",
        "ana@mail.example",
        "ana@alder.example",
        "gmial.com",
        "@gmial.com",
        "ana@",
        "",
    ],
)
def test_plausible_domains_are_not_corrected(typed: str) -> None:
    assert email_typos.suggestion(typed) is None
