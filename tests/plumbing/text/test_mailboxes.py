"""Mailboxes: one key for all spellings, and the form for mail servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.text import input_validation
from portico.plumbing.text.mailboxes import deliverable, header_address, mailbox_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@Example.ORG", "ana@example.org"),
        (" ana@example.org ", "ana@example.org"),
        ("ana@MÜNCHEN.example", "ana@xn--mnchen-3ya.example"),
        ("Jose\u0301@example.org", "josé@example.org"),
    ],
)
def test_spellings_of_one_mailbox_share_a_key(one: str, other: str) -> None:
    assert mailbox_key(one) == mailbox_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana.avery@example.org", "anaavery@example.org"),
        ("ana+portal@example.org", "ana@example.org"),
        ("dıana@example.org", "diana@example.org"),
        ("DİANA@example.org", "diana@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("аna@example.org", "ana@example.org"),
        ("ana@exаmple.org", "ana@example.org"),
        ("ANÄ@example.org", "anä@example.org"),
    ],
)
def test_other_mailboxes_have_other_keys(one: str, other: str) -> None:
    assert mailbox_key(one) != mailbox_key(other)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "@example.org",
        "ana@",
        "ana@localhost",
        "ana@example..org",
        "ana@-example.org",
        "ana@example.org.",
        "ana@192.0.2.7",
        "ana@[192.0.2.7]",
        "a na@example.org",
        "ana@exam ple.org",
        ".ana@example.org",
        "ana..avery@example.org",
        "ana@eve@example.org",
        "=?utf-8?q?eve=40evil.example?=@example.org",
        "ana,eve@example.org",
        '"ana"@example.org',
        "ana\r\nBcc:x@example.org",
        "ana\u202e@example.org",
        "ana\u200b@example.org",
        "an\x00a@example.org",
        "an\ud800a@example.org",
        "ana@ex\ud800ample.org",
        "\u212aim@example.org",
        "kim@\u212ample.org",
        "ana@ﬁne.example",
        "ana@straße.example",
        "ana@example\u3002org",
        "a" * 65 + "@example.org",
        "ana@" + "a" * 64 + ".org",
        "ana@" + "a." * 130 + "org",
        "ana@" + "ä" * 70 + ".org",
        "ana@xn--.org",
    ],
)
def test_a_malformed_address_has_no_key(typed: str) -> None:
    with pytest.raises(ValueError):
        mailbox_key(typed)


@given(st.text() | st.emails() | st.builds("{}@{}".format, st.text(), st.text()))
def test_any_text_has_a_stable_key_or_is_malformed(typed: str) -> None:
    try:
        key = mailbox_key(typed)
    except ValueError:
        return
    assert mailbox_key(key) == key
    assert input_validation.is_unstorable(key) is False
    assert "\n" not in key


def test_a_non_ascii_domain_becomes_punycode() -> None:
    assert deliverable("ana@bücher.example") == "ana@xn--bcher-kva.example"
    assert deliverable("José@Example.org") == "José@Example.org"


def test_header_addresses_are_in_ascii() -> None:
    assert header_address("Portal@bücher.example") == "Portal@xn--bcher-kva.example"
    assert header_address(" o'brien@oak.example ") == "o'brien@oak.example"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "'portal@oak.example'",
        '"portal@oak.example"',
        "'portal@oak.example",
        "'portal'@oak.example",
        "`portal@oak.example",
        "“portal@oak.example”",
        "<portal@oak.example>",
        "portal@oak",
        "portal@oak.example.",
        "portal@oak.example,",
        "portal@oak.example;",
        "pórtal@oak.example",
        "portal@oak .example",
        "portal@-oak.example",
        "portal@oak_street.example",
        "portal@[192.0.2.7]",
        "portal@192.0.2.7",
        "portal@oak.example, eve@evil.example",
        "Portal <portal@oak.example>",
        "mailto:portal@oak.example",
        "=?utf-8?q?portal?=@oak.example",
    ],
)
def test_unusual_header_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        header_address(address)
