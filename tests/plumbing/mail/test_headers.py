"""Header fields: encoding, line lengths, and refused values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.mail import headers
from tests.support.strict_mail import Header, Read

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=150)


def test_a_short_ascii_name_is_not_encoded() -> None:
    assert headers.mailbox_field("From", "Alder Street", "a@oak.example") == b"From: Alder Street <a@oak.example>\r\n"
    assert headers.mailbox_field("From", "Elm, P.C.", "a@oak.example") == b'From: "Elm, P.C." <a@oak.example>\r\n'
    assert headers.mailbox_field("From", "", "a@oak.example") == b"From: a@oak.example\r\n"
    assert headers.text_field("Subject", "Your bill (May)") == b"Subject: Your bill (May)\r\n"


def test_a_short_non_ascii_text_is_one_encoded_word() -> None:
    assert (
        headers.mailbox_field("To", "José Ruiz", "a@oak.example")
        == b"To: =?utf-8?q?Jos=C3=A9_Ruiz?= <a@oak.example>\r\n"
    )


def test_a_typed_encoded_word_is_encoded_again() -> None:
    assert b"=?utf-8?q?A" not in headers.text_field("Subject", "=?utf-8?q?A=0D=0ABcc:_x@evil.example?=")


@given(TEXT, TEXT)
def test_header_lines_respect_the_length_limit(name: str, subject: str) -> None:
    raw = headers.mailbox_field("Reply-To", name, "a@oak.example") + headers.text_field("Subject", subject)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 76


@given(TEXT)
def test_leading_trailing_and_double_spaces_are_kept(text: str) -> None:
    text = f" {text}  x "
    assert Header(headers.text_field("Subject", text) + b"\r\n").text("Subject") == text
    assert Header(headers.mailbox_field("To", text, "a@b.example") + b"\r\n").mailbox("To") == Read(text, "a@b.example")


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\x7f"])
def test_a_line_break_is_refused_in_every_field(break_: str) -> None:
    with pytest.raises(ValueError):
        headers.text_field("Subject", f"Hello{break_} Bcc: eve@evil.example")
    with pytest.raises(ValueError):
        headers.mailbox_field("To", f"Ana{break_}", "a@oak.example")
    with pytest.raises(ValueError):
        headers.mailbox_field("To", "Ana", f"a@oak.example{break_}")
    with pytest.raises(ValueError):
        headers.plain_field("Message-ID", f"<1@oak.example>{break_}")
    with pytest.raises(ValueError):
        headers.text_field(f"Subject{break_}", "Hello")


def test_a_plain_value_must_be_one_ascii_line() -> None:
    for value in ("<1@bücher.example>", "x" * 1000):
        with pytest.raises(ValueError, match="Message-ID"):
            headers.plain_field("Message-ID", value)
