"""A message is in ASCII on the wire and says what was written, whatever was written."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.cleaning import clean_line
from portico.plumbing.emails import LINK_MARK, Letter
from portico.plumbing.messages import masked, message
from portico.plumbing.models import OutgoingEmail

AT = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)
TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=100)


@given(subject=TYPED, name=TYPED, sender=TYPED, text=TYPED)
def test_nothing_typed_adds_or_breaks_a_header(subject: str, name: str, sender: str, text: str) -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org", to_name=name)
    letter = Letter(subject, text, f"<p>{text}</p>", "desk@example.org", sender)
    raw = message(email, letter, recipient="ana@example.org", at=AT).as_bytes(policy=SMTP)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    back = message_from_bytes(raw, policy=default)
    assert sorted(back.keys()) == sorted(
        ["Message-ID", "Date", "From", "To", "Reply-To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert [address.addr_spec for address in back["From"].addresses] == ["portal@portico.example"]
    assert [address.addr_spec for address in back["To"].addresses] == ["ana@example.org"]
    # Python's parser adds a space between two encoded words of a name, which RFC 2047 (6.2) leaves out.
    assert unspaced(back["From"].addresses[0].display_name) == unspaced(clean_line(sender))
    assert unspaced(back["Subject"]) == unspaced(clean_line(subject))


@given(text=TYPED, html=TYPED)
def test_bodies_say_what_was_written_line_by_line(text: str, html: str) -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org")
    letter = Letter("S", text, html, "desk@example.org", "Alder")
    raw = message(email, letter, recipient="ana@example.org", at=AT).as_bytes(policy=SMTP)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    back = message_from_bytes(raw, policy=default)
    for subtype, written in (("plain", text), ("html", html)):
        body = back.get_body((subtype,))
        assert body is not None
        assert body.get_content_charset() == "utf-8"
        assert body.get_content().encode().splitlines() == (written.encode().splitlines() or [b""])


def unspaced(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("link", ["https://x.example/link/" + "s" * 43, "https://x.example/link/" + "s" * 43 + "/"])
def test_a_secret_is_masked_everywhere(link: str) -> None:
    body = f'<a href="{link}">{link}</a> {"s" * 43}'
    assert "s" * 43 not in masked(body, link)
    assert masked(body, link).count(LINK_MARK) == 3
    assert masked("Nothing", None) == "Nothing"


def test_an_address_without_a_token_is_masked_whole() -> None:
    assert masked("See https://x.example/a/b.", "https://x.example/a/b") == f"See {LINK_MARK}."


def test_without_a_reply_address_there_is_no_such_header() -> None:
    email = OutgoingEmail(message_id="<1@example.org>", to_address="ana@example.org")
    written = message(email, Letter("S", "T", "<p>T</p>", "", "Alder"), recipient="ana@example.org", at=AT)
    assert "Reply-To" not in written
